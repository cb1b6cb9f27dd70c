//! What went wrong, and whether trying again helps: by PostgreSQL's SQLSTATE where the server said something, else by what broke.

use crate::sink::outbox::Trouble;
use std::error::Error as StdError;
use std::io;
use tokio_postgres::Error;
use tokio_postgres::error::DbError;

/// Codes and classes (their first two characters) after which the same may succeed later, each with what it is.
const PASSING: [(&str, &str); 10] = [
    ("08", "connection exception; poolers also say so when they are full"),
    ("25", "invalid transaction state: a standby after a failover, a timeout within a transaction"),
    ("40", "rollback: deadlock, serialization"),
    ("53", "out of disk, memory or connections"),
    ("57", "shut down, starting up, cancelled by a timeout"),
    ("58", "the server's system failed"),
    ("55P03", "a lock was not to be had in time"),
    ("55006", "object in use"),
    ("55000", "not in the state for it yet"),
    ("XX000", "an internal error"),
];

/// What an error of the client means for the outbox.
pub(super) fn of(error: &Error) -> Trouble {
    match error.as_db_error() {
        Some(said) => of_server(said),
        None if is_final(error) => Trouble::Final(chain(error)),
        None => Trouble::Passing(chain(error)),
    }
}

fn of_server(said: &DbError) -> Trouble {
    let (code, reason) = (said.code().code(), words(said));
    if PASSING.iter().any(|(begin, _)| code.starts_with(begin)) {
        return Trouble::Passing(reason);
    }
    Trouble::Final(match advice(code) {
        Some(advice) => format!("{reason}: {advice}"),
        None => reason,
    })
}

/// What to do about what only people can mend.
fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        "28P01" | "28000" => "check user and password of `url`, and the server's pg_hba.conf",
        "3D000" => "create it, or name another one in `url`",
        "42501" => {
            "the user needs usage on the schema, create on it where tables are to be made, and select, insert, update and delete on the \
             sink's tables; to add columns it must own them"
        }
        "42P01" | "42703" => {
            "the tables were changed while the pipeline ran: start it again, and it makes what is missing"
        }
        "23505" => "something else writes this table: give the sink a schema of its own",
        "42P07" | "42710" => "something else of this name is in the schema: give the sink a schema of its own",
        _ => return None,
    })
}

fn words(said: &DbError) -> String {
    let mut text = format!("{} (SQLSTATE {})", said.message(), said.code().code());
    for more in [said.detail(), said.where_(), said.hint()].into_iter().flatten() {
        text.push_str("; ");
        text.push_str(&more.replace('\n', ", "));
    }
    text
}

/// Errors of the client itself that come again: settings, passwords, certificates. Its kinds are private, hence the words.
fn is_final(error: &Error) -> bool {
    let kind = error.to_string();
    match kind.as_str() {
        "authentication error" | "invalid configuration" | "invalid connection string" => true,
        // A connection that breaks in the handshake is an I/O error, a bad certificate is one with rustls's error in it.
        "error performing TLS handshake" => {
            let io = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
            io.is_none_or(|io| io.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()))
        }
        _ => false,
    }
}

/// An error and its causes. None holds the connection string.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
