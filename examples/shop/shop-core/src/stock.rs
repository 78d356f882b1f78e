//! Stock lists as the warehouse sends them: `17,4;18,250;`, a product and a quantity each.

/// How many pieces a list counts in all, or `None` if it is no list.
///
/// Quantities have a few digits, so that their sum stays far from `u64::MAX`.
// Not inlined, so that a benchmark and the service call the same code.
#[inline(never)]
pub fn pieces(list: &[u8]) -> Option<u64> {
    let mut sum = 0;
    let mut number = 0;
    for &byte in list {
        match byte {
            b'0'..=b'9' => number = number * 10 + u64::from(byte - b'0'),
            b',' => number = 0,
            b';' => {
                sum += number;
                number = 0;
            }
            _ => return None,
        }
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_quantities_and_no_products() {
        assert_eq!(pieces(b"17,4;18,250;"), Some(254));
        assert_eq!(pieces(b""), Some(0));
    }

    #[test]
    fn refuses_what_is_no_list() {
        assert_eq!(pieces(b"17,4;<html>"), None);
    }
}
