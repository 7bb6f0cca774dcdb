//! Hostile signatures under what the issuer has signed.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

use crate::{
    Corpus, base_claims,
    keys::{Issuer, Signer},
    with_claims,
};

/// ECDSA's other signature `(r, n - s)` is not here: it is valid by RFC 7518, which is why nothing may take a token's text
/// for its identity.
pub fn add(corpus: &mut Corpus, issuer: &Issuer, index: usize) {
    let base = with_claims(issuer, &base_claims());
    let (start, signature) = base.rsplit_once('.').unwrap();
    let good = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    let mut add = |class, bytes: &[u8]| corpus.add(class, index, format!("{start}.{}", BASE64URL_NOPAD.encode(bytes)));
    for at in 0..good.len() {
        let mut flipped = good.clone();
        flipped[at] ^= 1 << (at % 8);
        add("signature with a bit flipped", &flipped);
    }
    for length in (1..good.len()).step_by(1 + good.len() / 64) {
        add("signature cut", &good[..length]);
        add("signature cut", &good[good.len() - length..]);
    }
    for more in [&[0][..], &[1], &[0; 32], &good] {
        add("signature extended", &[&good, more].concat());
        add("signature extended", &[more, &good].concat());
    }
    let zeros = vec![0; good.len()];
    let ones = vec![0xff; good.len()];
    let mut one = zeros.clone();
    *one.last_mut().unwrap() = 1;
    for value in [&zeros, &ones, &one] {
        add("signature of a special value", value);
    }
    let half = good.len() / 2;
    if let Some(order) = order(&issuer.signer) {
        let (r, s) = good.split_at(half);
        let nothing = &zeros[..half];
        for (r, s) in
            [(nothing, s), (r, nothing), (s, r), (&order[..], s), (r, &order[..]), (r, r), (&one[half..], &one[half..])]
        {
            add("signature of a special value", &[r, s].concat());
        }
        add("signature in DER", &der(r, s));
        for part in [r, s] {
            if let Some(sum) = plus(part, &order) {
                add("signature of a special value", &[&sum[..], s].concat());
            }
        }
    }
    if let Signer::Ed25519(_) = issuer.signer {
        // RFC 8032 section 5.1.7: S is below the order of the group, or one signature becomes several.
        let order = HEXLOWER.decode(b"1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed").unwrap();
        let (r, s) = good.split_at(half);
        let reversed: Vec<u8> = s.iter().rev().copied().collect();
        let mut sum = plus(&reversed, &order).unwrap();
        sum.reverse();
        add("signature of a special value", &[r, &sum[..]].concat());
        add("signature of a special value", &[&zeros[..half], s].concat());
        add("signature of a special value", &[r, &zeros[half..]].concat());
    }
    if let Some(modulus) = issuer.signer.modulus() {
        let mut below = modulus.clone();
        *below.last_mut().unwrap() -= 1;
        for value in [Some(modulus.clone()), Some(below), plus(&good, &modulus)].into_iter().flatten() {
            add("signature of a special value", &value);
        }
        add("signature extended", &[&[0], &good[..]].concat());
    }
}

fn order(signer: &Signer) -> Option<Vec<u8>> {
    let hex: &[u8] = match signer {
        Signer::P256(_) => b"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        Signer::P384(_) => {
            b"ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973"
        }
        _ => return None,
    };
    Some(HEXLOWER.decode(hex).unwrap())
}

/// The sum of two numbers of one length, if it fits into it.
fn plus(left: &[u8], right: &[u8]) -> Option<Vec<u8>> {
    let mut sum = vec![0; left.len()];
    let mut carry = 0_u16;
    for at in (0..left.len()).rev() {
        let total = u16::from(left[at]) + u16::from(right[at]) + carry;
        sum[at] = (total & 0xff) as u8;
        carry = total >> 8;
    }
    (carry == 0).then_some(sum)
}

fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let number: Vec<u8> = number.iter().copied().skip_while(|byte| *byte == 0).collect();
        let sign = if number[0] >= 0x80 { vec![0] } else { Vec::new() };
        [vec![2, u8::try_from(sign.len() + number.len()).unwrap()], sign, number].concat()
    };
    let body = [integer(r), integer(s)].concat();
    [vec![0x30, u8::try_from(body.len()).unwrap()], body].concat()
}
