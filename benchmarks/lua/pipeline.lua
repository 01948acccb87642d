-- Sends the same request several times in one write; the depth is the script's first argument.
dofile("report.lua")

local batch

function init(args)
  batch = string.rep(wrk.format(), tonumber(args[1]))
end

function request()
  return batch
end
