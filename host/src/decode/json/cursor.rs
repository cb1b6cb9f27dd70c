//! Reads JSON's tokens from a record: white space, strings, numbers, literals. Knows the grammar of RFC 8259 and no schema.

use crate::decode::bytes::plain_end;
use crate::decode::failure::{Failure, Read};
use crate::decode::number::Number;

/// A place in a record.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

/// A string between its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quoted<'a> {
    /// As written.
    pub(super) raw: &'a [u8],
    /// Whether it holds escapes, which are well-formed.
    pub(super) escaped: bool,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The byte here; 0, which no token begins with, at the end.
    #[inline(always)]
    pub(super) fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    /// Goes over white space: space, tab, line feed, carriage return.
    #[inline(always)]
    pub(super) fn skip_space(&mut self) {
        // One space or none is what writers leave; the rest is for the pretty ones.
        if self.peek() <= b' ' {
            self.at += usize::from(self.peek() == b' ');
            if self.peek() <= b' ' {
                self.skip_spaces();
            }
        }
    }

    #[inline(never)]
    fn skip_spaces(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    #[cold]
    pub(super) fn syntax<T>(&self, message: &'static str) -> Read<T> {
        Err(Failure::syntax(self.at, message))
    }

    /// Reads a literal that begins here.
    #[inline]
    pub(super) fn literal(&mut self, literal: &'static [u8]) -> Read<()> {
        if !self.bytes[self.at..].starts_with(literal) {
            return self.syntax("expected a value");
        }
        self.at += literal.len();
        Ok(())
    }

    /// Reads a number that begins here.
    #[inline(always)]
    pub(super) fn number(&mut self) -> Read<Number<'a>> {
        match Number::scan(self.bytes, self.at) {
            Ok((number, end)) => {
                self.at = end;
                Ok(number)
            }
            Err((at, message)) => Err(Failure::syntax(at, message)),
        }
    }

    /// Reads a string whose opening quote is here.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Read<Quoted<'a>> {
        let start = self.at + 1;
        let end = plain_end(self.bytes, start);
        if self.bytes.get(end) == Some(&b'"')
            && let Some(raw) = self.bytes.get(start..end)
        {
            self.at = end + 1;
            return Ok(Quoted { raw, escaped: false });
        }
        self.string_with_escapes(start, end)
    }

    /// Goes on at the first byte that is not plain.
    #[inline(never)]
    fn string_with_escapes(&mut self, start: usize, mut at: usize) -> Read<Quoted<'a>> {
        let mut escaped = false;
        loop {
            at = plain_end(self.bytes, at);
            match self.bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(Quoted { raw: &self.bytes[start..at], escaped });
                }
                Some(b'\\') => at = self.escape_end(at)?,
                Some(_) => return Err(Failure::syntax(at, "control character in a string")),
                None => return Err(Failure::syntax(at, "string without an end")),
            }
            escaped = true;
        }
    }

    /// Reads a key that begins here, its colon and the space around, and stops at the value.
    pub(super) fn key(&mut self) -> Read<Quoted<'a>> {
        if self.peek() != b'"' {
            return self.syntax("expected a key");
        }
        let key = self.string()?;
        self.skip_space();
        if self.peek() != b':' {
            return self.syntax("expected `:`");
        }
        self.at += 1;
        self.skip_space();
        Ok(key)
    }

    /// The byte after the escape whose backslash is at `at`.
    fn escape_end(&self, at: usize) -> Read<usize> {
        match self.bytes.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
            Some(b'u') if hex_4(&self.bytes[at + 2..]).is_some() => Ok(at + 6),
            Some(b'u') => Err(Failure::syntax(at, "expected four hexadecimal digits after `\\u`")),
            _ => Err(Failure::syntax(at, "unknown escape")),
        }
    }
}

/// Four hexadecimal digits at the front.
fn hex_4(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.first_chunk::<4>()?;
    digits.iter().try_fold(0, |value, &digit| Some(value * 16 + char::from(digit).to_digit(16)?))
}

impl Quoted<'_> {
    /// Appends the text that it stands for; `None` at a lone surrogate. What was appended by then is for the caller to take back.
    #[inline(always)]
    pub(super) fn append_to(&self, text: &mut Vec<u8>) -> Option<()> {
        if !self.escaped {
            text.extend_from_slice(self.raw);
            return Some(());
        }
        self.append_unescaped(text)
    }

    #[inline(never)]
    fn append_unescaped(&self, text: &mut Vec<u8>) -> Option<()> {
        let mut rest = self.raw;
        while let Some(place) = rest.iter().position(|&byte| byte == b'\\') {
            text.extend_from_slice(&rest[..place]);
            let (character, after) = unescaped(&rest[place + 1..])?;
            text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            rest = after;
        }
        text.extend_from_slice(rest);
        Some(())
    }
}

/// The character of a well-formed escape, and what follows it. `escape` begins after the backslash.
fn unescaped(escape: &[u8]) -> Option<(char, &[u8])> {
    let (&letter, rest) = escape.split_first()?;
    let character = match letter {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unescaped_unit(rest),
        other => char::from(other),
    };
    Some((character, rest))
}

/// The character of one or two UTF-16 units; `digits` begins after the `\u`.
fn unescaped_unit(digits: &[u8]) -> Option<(char, &[u8])> {
    let (first, rest) = (hex_4(digits)?, &digits[4..]);
    if !(0xd800..0xdc00).contains(&first) {
        return Some((char::from_u32(first)?, rest));
    }
    let second = hex_4(rest.strip_prefix(b"\\u")?).filter(|unit| (0xdc00..0xe000).contains(unit))?;
    let character = char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00))?;
    Some((character, &rest[6..]))
}
