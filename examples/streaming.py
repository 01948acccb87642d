import asyncio
from kito import server

app = server()

@app.get("/stream")
def stream(res):
    stream = res.stream()
    stream.write("Chunk 1\n")
    loop = asyncio.get_running_loop()
    loop.call_later(1, stream.write, "Chunk 2\n")
    loop.call_later(2, stream.end, "Final chunk\n")

@app.get("/events")
async def events(res):
    sse = res.sse()
    sse.send({"msg": "connected"}, "init")
    for count in range(5):
        await asyncio.sleep(1)
        sse.send({"count": count}, "update")
    sse.send({"msg": "done"}, "complete")
    sse.close()

app.listen(3000)
