//! Goes over a value that nobody asked for: it must be well-formed and not too deep. Without recursion, so that depth costs no stack.

use super::cursor::Cursor;
use crate::decode::failure::{Cause, Failure, Read};

/// Goes over the value that begins here, inside of `depth` objects and arrays. `closers` is room to use.
#[inline(always)]
pub(super) fn value(cursor: &mut Cursor<'_>, closers: &mut Vec<u8>, depth: usize, depth_max: usize) -> Read<()> {
    match cursor.peek() {
        b'"' => cursor.string().map(drop),
        b'{' | b'[' => nested(cursor, closers, depth, depth_max),
        _ => scalar(cursor),
    }
}

#[inline(never)]
fn scalar(cursor: &mut Cursor<'_>) -> Read<()> {
    match cursor.peek() {
        b'"' => cursor.string().map(drop),
        b'-' | b'0'..=b'9' => cursor.number().map(drop),
        b't' => cursor.literal(b"true"),
        b'f' => cursor.literal(b"false"),
        b'n' => cursor.literal(b"null"),
        _ => cursor.syntax("expected a value"),
    }
}

#[inline(never)]
fn nested(cursor: &mut Cursor<'_>, closers: &mut Vec<u8>, depth: usize, depth_max: usize) -> Read<()> {
    closers.clear();
    loop {
        let closed = match cursor.peek() {
            open @ (b'{' | b'[') => {
                if depth + closers.len() >= depth_max {
                    return Err(Failure::new(cursor.at, Cause::TooDeep { max: depth_max }));
                }
                let closer = open + 2;
                cursor.at += 1;
                cursor.skip_space();
                closers.push(closer);
                cursor.peek() == closer
            }
            _ => {
                scalar(cursor)?;
                cursor.skip_space();
                true
            }
        };
        if closed && after_value(cursor, closers)? {
            return Ok(());
        }
        if closers.last() == Some(&b'}') {
            cursor.key()?;
        }
    }
}

/// Closes what ends here; true if that was all, false at the next value or key.
fn after_value(cursor: &mut Cursor<'_>, closers: &mut Vec<u8>) -> Read<bool> {
    while let Some(&closer) = closers.last() {
        match cursor.peek() {
            b',' => {
                cursor.at += 1;
                cursor.skip_space();
                return Ok(false);
            }
            byte if byte == closer => {
                cursor.at += 1;
                closers.pop();
                if !closers.is_empty() {
                    cursor.skip_space();
                }
            }
            _ if closer == b'}' => return cursor.syntax("expected `,` or `}`"),
            _ => return cursor.syntax("expected `,` or `]`"),
        }
    }
    Ok(true)
}
