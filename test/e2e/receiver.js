// Runs in the cluster, in the image under test: takes what destinations send, and logs each as a line of JSON.
const { createServer: http } = require('node:http');
const { createServer: tcp } = require('node:net');

const say = (entry) => process.stdout.write(`${JSON.stringify(entry)}\n`);

http((request, response) => {
  let body = '';
  request.on('data', (part) => {
    body += part;
  });
  request.on('end', () => {
    say({ to: request.url, headers: request.headers, body });
    response.writeHead(200).end();
  });
}).listen(8080);

tcp((socket) => {
  let data = null;
  socket.on('error', () => socket.destroy());
  socket.write('220 receiver\r\n');
  require('node:readline')
    .createInterface({ input: socket })
    .on('line', (line) => {
      if (data !== null && line !== '.') data.push(line);
      else if (data !== null) {
        say({ to: 'smtp', headers: {}, body: data.join('\n') });
        data = null;
        socket.write('250 taken\r\n');
      } else if (/^DATA/i.test(line)) {
        data = [];
        socket.write('354 go on\r\n');
      } else socket.write(/^QUIT/i.test(line) ? '221 bye\r\n' : '250 ok\r\n');
    });
}).listen(8025);
