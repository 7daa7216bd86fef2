-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- For wrk: posts the lines of MESSAGES, each once (REPEAT=1: over and over), and counts answers by what they say.
local messages = {}
for line in io.lines(os.getenv("MESSAGES")) do
  messages[#messages + 1] = wrk.format("POST", nil,
    {["Host"] = "127.0.0.1", ["Content-Type"] = "text/xml; charset=utf-8", ["SOAPAction"] = '"' .. os.getenv("ACTION") .. '"'}, line)
end
local repeated = os.getenv("REPEAT") == "1"
local good = os.getenv("GOOD")
local at = 0

function request()
  at = at + 1
  if at > #messages then
    if not repeated then
      wrk.thread:stop()
      return messages[#messages]
    end
    at = 1
  end
  return messages[at]
end

local threads = {}
function setup(thread) table.insert(threads, thread) end

good_answers, other_answers = 0, 0
function response(status, headers, body)
  if status == 200 and body:find(good, 1, true) then good_answers = good_answers + 1 else other_answers = other_answers + 1 end
end

function done(summary, latency, requests)
  local g, o = 0, 0
  for _, t in ipairs(threads) do g = g + t:get("good_answers"); o = o + t:get("other_answers") end
  local e = summary.errors
  io.write(string.format("RESULT %.6f %d %d %d %.1f %.1f\n", summary.duration / 1e6, g, o,
    e.connect + e.read + e.write + e.timeout, latency:percentile(50), latency:percentile(99)))
end
