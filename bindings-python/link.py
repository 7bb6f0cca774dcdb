"""Has this interpreter import `tenantry` from this checkout; needs no package index, unlike an install."""

from __future__ import annotations

import sysconfig
from pathlib import Path

SOURCES = Path(__file__).resolve().parent / "python"

if __name__ == "__main__":
    Path(sysconfig.get_path("purelib"), "tenantry-checkout.pth").write_text(f"{SOURCES}\n")
