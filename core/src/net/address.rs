//! Which addresses belong to the public internet. Owns that one judgement; touches nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address every Azure machine reaches its own host at: it looks public and never is.
const AZURE_HOST: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

/// Whether `address` can only be a machine of the public internet.
pub(super) fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_global_v4(address),
        IpAddr::V6(address) => is_global_v6(address),
    }
}

fn is_global_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let special = match (first, second, third) {
        // This network, private, loopback.
        (0 | 10 | 127, _, _) => true,
        // Shared by carriers; some clouds put their metadata here.
        (100, 64..=127, _) => true,
        // Link-local: most clouds put their metadata here.
        (169, 254, _) => true,
        (172, 16..=31, _) | (192, 168, _) => true,
        // Protocol assignments, documentation, 6to4 relays, benchmarks.
        (192, 0, 0 | 2) | (192, 88, 99) | (198, 18 | 19, _) | (198, 51, 100) | (203, 0, 113) => true,
        // Multicast, reserved, broadcast.
        (224.., _, _) => true,
        _ => false,
    };
    !special && address != AZURE_HOST
}

fn is_global_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // Mapped, translated and compatible addresses (`::` and `::1` are among the last), then NAT64.
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0, 0, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        // 6to4.
        | [0x2002, high, low, ..] => is_global_v4(embedded(high, low)),
        // Protocol assignments (Teredo among them) and documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // What is left of the one block handed out for global unicast; all others are local, multicast or unassigned.
        [first, ..] => (0x2000..=0x3fff).contains(&first),
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
}
