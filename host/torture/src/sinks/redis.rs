//! Keys with a prefix of the case's own; all of them with all they hold, in one call.

use super::{Held, lines};
use crate::services::Services;

/// A line a key: the key, its type, and its content in an order of its own.
const HELD: &str = "
local lines = {}
for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
  local kind, content = redis.call('TYPE', key).ok, {}
  if kind == 'hash' then
    local flat = redis.call('HGETALL', key)
    for i = 1, #flat, 2 do content[#content + 1] = cjson.encode({flat[i], flat[i + 1]}) end
    table.sort(content)
  elseif kind == 'zset' then content = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  elseif kind == 'list' then content = redis.call('LRANGE', key, 0, -1)
  elseif kind == 'set' then content = redis.call('SMEMBERS', key) table.sort(content)
  else content = { redis.call('GET', key) } end
  lines[#lines + 1] = key .. '\\t' .. kind .. '\\t' .. table.concat(content, '\\t')
end
table.sort(lines)
return table.concat(lines, '\\n')";

const CLEAR: &str = "for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('UNLINK', key) end";

pub(super) fn section(services: &Services, case: &str) -> Result<String, String> {
    let url = services.redis()?.url();
    Ok(format!("type = \"redis\"\nurl = \"{url}\"\nprefix = \"{case}\""))
}

/// `{prefix:pipeline}:…`; cases are named without what patterns take for theirs.
fn pattern(case: &str) -> String {
    format!("{{{case}:*")
}

pub(super) fn held(services: &Services, case: &str) -> Result<Held, String> {
    let told = services.redis()?.command(&["EVAL", HELD, "0", &pattern(case)]).map_err(|error| error.to_string())?;
    let mut held = Held::default();
    for line in lines(told.as_bytes()) {
        let mut fields = line.split(|byte| *byte == b'\t').map(<[u8]>::to_vec);
        let key = String::from_utf8_lossy(&fields.next().unwrap_or_default()).into_owned();
        let key = key.split_once("}:").map_or(key.as_str(), |(_, key)| key).to_owned();
        // Its marker says which run wrote last.
        if !key.starts_with("weir:") {
            held.rows.insert(key, fields.collect());
        }
    }
    Ok(held)
}

pub(super) fn clear(services: &Services, case: &str) {
    if let Ok(redis) = services.redis() {
        let _ = redis.command(&["EVAL", CLEAR, "0", &pattern(case)]);
    }
}
