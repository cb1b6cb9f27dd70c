-- Applies a part of an epoch: `stage` lays rows of a window aside, `settle` puts them in the window's place. What each key holds
-- is told in `redis.rs`. Two sentences hold after each command, so that a call may be the last one of its run, and any call may be
-- repeated: a newest hash shows a window that has the key's row; and a window's rows are those of one revision.
--
-- KEYS: the marker. ARGV: lineage, generation, session, epoch, whether it ends with this part, the part's number, what keys begin
-- with, windows that a history keeps, rows that this call may touch; then the steps.
-- Gives `done`, `held`, `fenced` with whose the marker is, or `more` with the step, phase and cursor to come again with.

local marker, base = KEYS[1], ARGV[7]
local lineage, generation, session, epoch, last, part = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local windows_max, budget = tonumber(ARGV[8]), tonumber(ARGV[9])
-- How often the pipeline has begun anew.
local turn = redis.call('HGET', marker, 'turn') or '0'
local LOOK_BACK_WINDOWS, PAGE = 1000, 100

-- Whole numbers as text: a double would round them.
local function below(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end

local function closing_quote(row, at)
  while true do
    at = string.find(row, '["\\]', at + 1)
    if string.byte(row, at) == 34 then return at end
    at = at + 1
  end
end

-- The last byte of the value that begins at `at`.
local function value_end(row, at)
  local first, depth = string.byte(row, at), 0
  if first == 34 then return closing_quote(row, at) end
  if first ~= 91 and first ~= 123 then return string.find(row, '[,}]', at) - 1 end
  repeat
    at = string.find(row, '["%[%]{}]', at)
    local byte = string.byte(row, at)
    if byte == 34 then
      at = closing_quote(row, at)
    elseif byte == 91 or byte == 123 then
      depth = depth + 1
    else
      depth = depth - 1
    end
    at = at + 1
  until depth == 0
  return at - 1
end

-- Numbers as they stand, because cjson would round them; texts without quotes.
local function plain(row, from, to)
  if string.byte(row, from) ~= 34 then return string.sub(row, from, to) end
  local text = string.sub(row, from + 1, to - 1)
  if not string.find(text, '\\', 1, true) then return text end
  return cjson.decode('[' .. string.sub(row, from, to) .. ']')[1]
end

local OURS = { window_start = true, window_end = true, row = true }

-- Key columns and outputs of the first row, names and values in turn.
local function members(row)
  local fields, at = {}, 2
  while true do
    local quote = closing_quote(row, at)
    local name = plain(row, at, quote)
    local to = value_end(row, quote + 2)
    if name ~= 'window' and name ~= 'revision' then
      fields[#fields + 1] = OURS[name] and name .. '_' or name
      fields[#fields + 1] = plain(row, quote + 2, to)
    end
    if string.byte(row, to + 1) ~= 44 then return fields end
    at = to + 2
  end
end

local function kpi_keys(kpi)
  local own = base .. kpi
  return {
    windows = own .. ':windows',
    window = own .. ':window:',
    rows = own .. ':rows:',
    newest = own .. ':newest:',
    staged = own .. ':staged',
  }
end

local function show(keys, key, start, stop, revision, row)
  local hash, fields = keys.newest .. key, members(row)
  for _, word in ipairs({ 'window_start', start, 'window_end', stop, 'revision', revision, 'row', row }) do
    fields[#fields + 1] = word
  end
  redis.call('DEL', hash)
  -- Lua passes at most some thousand values to a call.
  for from = 1, #fields, 1000 do
    redis.call('HSET', hash, unpack(fields, from, math.min(from + 999, #fields)))
  end
end

-- Shows the newest window before `score` that has the key's row, or nothing; looking through more would hold others up.
local function go_back(keys, key, score)
  for offset = 0, LOOK_BACK_WINDOWS - PAGE, PAGE do
    local page = redis.call('ZREVRANGEBYSCORE', keys.windows, '(' .. score, '-inf', 'LIMIT', offset, PAGE)
    for _, start in ipairs(page) do
      local row = redis.call('HGET', keys.rows .. start, key)
      if row then
        local about = redis.call('HMGET', keys.window .. start, 'end', 'revision')
        return show(keys, key, start, about[1], about[2], row)
      end
    end
    budget = budget - #page
    if #page < PAGE then break end
  end
  redis.call('DEL', keys.newest .. key)
end

-- Calls `each` with keys and rows until the budget is spent; the cursor to go on from, or nil at the end. Where `each` gives false,
-- it wants the same keys again.
local function scan(hash, cursor, each)
  repeat
    local found = redis.call('HSCAN', hash, cursor, 'COUNT', PAGE)
    for i = 1, #found[2], 2 do
      if each(found[2][i], found[2][i + 1]) == false then return cursor end
      budget = budget - 1
    end
    cursor = found[1]
    if cursor == '0' then return nil end
  until budget <= 0
  return cursor
end

-- The window is there in a higher revision, or is older than all that a full history keeps. One of another end is of another
-- `window = "…"`, and one of another turn is of a run before the pipeline began anew: their revisions tell nothing.
local function refused(keys, start, stop, revision, score)
  local about = redis.call('HMGET', keys.window .. start, 'end', 'revision', 'turn')
  if about[2] then return about[1] == stop and (about[3] or '0') == turn and below(revision, about[2]) end
  if redis.call('ZCARD', keys.windows) < windows_max then return false end
  return tonumber(score) < tonumber(redis.call('ZRANGE', keys.windows, 0, 0, 'WITHSCORES')[2])
end

-- kpi, start, end, revision, score, whether it is the window's first, number of rows; then key and row in turn.
local function stage(at)
  local keys, count = kpi_keys(ARGV[at]), tonumber(ARGV[at + 6])
  local from, past = at + 7, at + 7 + 2 * count
  if ARGV[at + 5] == '1' then redis.call('UNLINK', keys.staged) end
  if not refused(keys, ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]) then
    for i = from, past - 1, 1000 do
      redis.call('HSET', keys.staged, unpack(ARGV, i, math.min(i + 999, past - 1)))
    end
  end
  budget = budget - count
  return past
end

-- Keys that the window loses show an older one, while it still has them.
local function retire(keys, start, score, cursor)
  return scan(keys.rows .. start, cursor, function(key)
    if redis.call('HEXISTS', keys.staged, key) == 1 then return true end
    if redis.call('HGET', keys.newest .. key, 'window_start') ~= start then return true end
    if budget <= 0 then return false end
    go_back(keys, key, score)
    return true
  end)
end

local function swap(keys, start, stop, revision, score, lines, unavailable)
  -- UNLINK first: a rename over a large hash would free it on the spot.
  redis.call('UNLINK', keys.rows .. start)
  if redis.call('EXISTS', keys.staged) == 1 then redis.call('RENAME', keys.staged, keys.rows .. start) end
  redis.call('DEL', keys.window .. start)
  redis.call('HSET', keys.window .. start, 'start', start, 'end', stop, 'revision', revision, 'rows', lines)
  if turn ~= '0' then redis.call('HSET', keys.window .. start, 'turn', turn) end
  if unavailable ~= '' then redis.call('HSET', keys.window .. start, 'unavailable', unavailable) end
  redis.call('ZADD', keys.windows, score, start)
end

local function advance(keys, start, stop, revision, score, cursor)
  return scan(keys.rows .. start, cursor, function(key, row)
    local shown = redis.call('HGET', keys.newest .. key, 'window_start')
    local at = shown and shown ~= start and redis.call('ZSCORE', keys.windows, shown)
    if not at or tonumber(at) <= tonumber(score) then show(keys, key, start, stop, revision, row) end
  end)
end

-- Windows beyond the limit leave, and with them what is shown of them.
local function trim(keys, cursor)
  while redis.call('ZCARD', keys.windows) > windows_max do
    if budget <= 0 then return cursor end
    local oldest = redis.call('ZRANGE', keys.windows, 0, 0)[1]
    cursor = scan(keys.rows .. oldest, cursor, function(key)
      if redis.call('HGET', keys.newest .. key, 'window_start') == oldest then redis.call('DEL', keys.newest .. key) end
    end)
    if cursor then return cursor end
    redis.call('UNLINK', keys.rows .. oldest, keys.window .. oldest)
    redis.call('ZREM', keys.windows, oldest)
    cursor, budget = '0', budget - 1
  end
end

-- kpi, start, end, revision, score, rows, why it is unavailable, phase, cursor. Gives the phase and cursor to go on from, if any.
local function settle(at)
  local keys = kpi_keys(ARGV[at])
  local start, stop, revision, score, lines, unavailable, phase, cursor = unpack(ARGV, at + 1, at + 8)
  if phase == 'retire' then
    if refused(keys, start, stop, revision, score) then
      redis.call('UNLINK', keys.staged)
      return nil
    end
    cursor = retire(keys, start, score, cursor)
    if cursor then return 'retire', cursor end
    swap(keys, start, stop, revision, score, lines, unavailable)
    phase, cursor = 'advance', '0'
  end
  if phase == 'advance' then
    cursor = advance(keys, start, stop, revision, score, cursor)
    if cursor then return 'advance', cursor end
    cursor = '0'
  end
  cursor = trim(keys, cursor)
  if cursor then return 'trim', cursor end
end

local owner = redis.call('HMGET', marker, 'lineage', 'generation', 'session', 'epoch')
if owner[1] ~= lineage or owner[2] ~= generation or owner[3] ~= session then
  return { 'fenced', owner[1] or '', owner[2] or '', owner[3] or '' }
end
if owner[4] and not below(owner[4], epoch) then return { 'held' } end
redis.call('HSET', marker, 'applying', epoch, 'part', part)
local at, place = 10, 0
while at <= #ARGV do
  place = place + 1
  if budget <= 0 then return { 'more', tostring(place), '', '' } end
  if ARGV[at] == 'stage' then
    at = stage(at + 1)
  else
    local phase, cursor = settle(at + 1)
    if phase then return { 'more', tostring(place), phase, cursor } end
    at = at + 10
  end
end
if last == '1' then
  redis.call('HSET', marker, 'epoch', epoch)
  redis.call('HDEL', marker, 'applying', 'part')
end
return { 'done' }
