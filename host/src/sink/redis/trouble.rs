//! Which trouble passes by itself. Knows the words of Redis, and none of ours.

use crate::sink::outbox::Trouble;
use ::redis::{ErrorKind, RedisError};

/// Codes of the server that nobody but its operator, or the pipeline file's author, can do away with, and what to do.
const FINAL: [(&str, &str); 9] = [
    ("NOAUTH", "it wants a password: write it into `url`, as redis://:${REDIS_PASSWORD}@host"),
    ("WRONGPASS", "it refuses the user or the password in `url`"),
    (
        "NOPERM",
        "the user in `url` may not do this: it needs EVALSHA, EVAL, hashes, sorted sets, RENAME, DEL and UNLINK on keys with the sink's `prefix`",
    ),
    ("WRONGTYPE", "a key of the sink holds something else: choose another `prefix`, or remove that key"),
    ("NOPROTO", "it does not speak RESP2"),
    ("MOVED", "it is a Redis Cluster, which this sink does not support: use a server of its own"),
    ("CROSSSLOT", "it is a Redis Cluster, which this sink does not support: use a server of its own"),
    ("DENIED", "it takes no connections from here (protected mode): give it a password"),
    ("ERR", "trying again would not help"),
];

/// Codes that go by: it loads its data, is a replica for now, is full, can't write to its disk, runs another's script.
const PASSING: [&str; 7] = ["LOADING", "READONLY", "MASTERDOWN", "OOM", "BUSY", "MISCONF", "NOREPLICAS"];

/// Plain `ERR`s that go by.
const PASSING_WORDS: [&str; 2] = ["max number of clients", "max number of connections"];

/// What an error means for the outbox.
pub(super) fn trouble(error: &RedisError) -> Trouble {
    let said = error.to_string();
    match error.kind() {
        ErrorKind::InvalidClientConfig | ErrorKind::AuthenticationFailed => return Trouble::Final(said),
        // An answer that can't be read is not from the server that we know: perhaps from one that comes up.
        ErrorKind::Io | ErrorKind::Parse | ErrorKind::UnexpectedReturnType | ErrorKind::Client => {
            return Trouble::Passing(if error.is_timeout() { "no answer in time".to_owned() } else { said });
        }
        _ => {}
    }
    let text = one_line(&format!("{} {}", error.code().unwrap_or_default(), error.detail().unwrap_or_default()));
    of_answer(&text)
}

/// What an error answer means. Before version 7, an error within a script is an `ERR` that names the real one.
fn of_answer(text: &str) -> Trouble {
    let (code, rest) = text.split_once(' ').unwrap_or((text, ""));
    let inner = |known: &&str| code == *known || (code == "ERR" && rest.contains(&format!("-{known} ")));
    if PASSING.iter().any(|known| inner(&known)) || PASSING_WORDS.iter().any(|words| rest.contains(words)) {
        return Trouble::Passing(text.to_owned());
    }
    match FINAL.iter().find(|(known, _)| inner(&known)) {
        Some((_, help)) => Trouble::Final(format!("{text}; {help}")),
        None => Trouble::Passing(text.to_owned()),
    }
}

/// Longer texts are of a script with all its arguments.
const TEXT_CHARS_MAX: usize = 300;

fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().chars().take(TEXT_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_by_is_tried_again_and_what_does_not_says_what_to_do() {
        for text in [
            "LOADING Redis is loading the dataset in memory",
            "OOM command not allowed when used memory > 'maxmemory'. script: 1f, on @user_script:1.",
            "ERR Error running script (call to f_1): @user_script:9: -OOM command not allowed when used memory",
            "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
            "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
            "READONLY You can't write against a read only replica.",
            "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
            "ERR max number of clients reached",
            "FAILOVER something new",
        ] {
            assert_eq!(of_answer(text), Trouble::Passing(text.into()));
        }
        for text in [
            "NOAUTH Authentication required.",
            "WRONGPASS invalid username-password pair or user is disabled.",
            "NOPERM this user has no permissions to run the 'evalsha' command",
            "WRONGTYPE Operation against a key holding the wrong kind of value",
            "ERR Error running script (call to f_1): @user_script:9: -WRONGTYPE Operation against a key holding",
            "ERR DB index is out of range",
            "MOVED 1234 10.0.0.1:6379",
        ] {
            assert!(matches!(of_answer(text), Trouble::Final(said) if said.starts_with(text)), "{text}");
        }
    }
}
