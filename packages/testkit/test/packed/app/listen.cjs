'use strict'
const { createServer } = require('node:http')
const { once } = require('node:events')

/** A loopback server that answers JSON requests; `answer(body, response)` writes the answer. */
module.exports = async function listen(answer) {
  const server = createServer(async (request, response) => {
    const chunks = await request.toArray()
    const body = JSON.parse(Buffer.concat(chunks).toString() || 'null')
    answer(body, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
