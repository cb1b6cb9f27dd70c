-- Takes the marker over for a run, unless it is another's that has fenced this one.
--
-- KEYS: the marker. ARGV: pipeline, lineage, generation, session, whether this run had it before, the session that it took it from.
-- Gives `open` with the epoch that is held and the session before, or `fenced` with whose the marker is.

local marker = KEYS[1]
local pipeline, lineage, generation, session, again, before = unpack(ARGV, 1, 6)

-- Whole numbers as text: a double would round them.
local function below(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end

-- A session is a run's own random text, a colon, and which of its connections it is.
local function run(text)
  return string.match(text or '', '^[^:]*')
end

local owner = redis.call('HMGET', marker, 'lineage', 'generation', 'session', 'epoch')
local fenced = { 'fenced', owner[1] or '', owner[2] or '', owner[3] or '' }
if owner[1] == lineage then
  if below(generation, owner[2]) then return fenced end
  if again == '1' and owner[2] == generation and run(owner[3]) ~= run(session) then return fenced end
elseif owner[1] then
  -- A server that lost its last second may show the marker as it was before this run came.
  if again == '1' and owner[3] ~= before then return fenced end
  local turn = redis.call('HINCRBY', marker, 'turn', 1)
  redis.call('DEL', marker)
  redis.call('HSET', marker, 'turn', turn)
  owner[4] = false
end
redis.call('HSET', marker, 'pipeline', pipeline, 'lineage', lineage, 'generation', generation, 'session', session)
redis.call('HDEL', marker, 'applying', 'part')
return { 'open', owner[4] or '', owner[3] or '' }
