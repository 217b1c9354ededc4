// pm2 start deploy/ecosystem.config.js
//
// pm2 stops with SIGINT and kills 1.6 s later unless told otherwise; a challenge needs longer. Settings come from the
// file that --config names, or from the environment of the shell that starts pm2. With the codes of stop_exit_codes (those
// of touchline.service, which says what they are) starting again does not help; some versions of pm2 take no notice of them.
module.exports = {
  apps: [
    {
      name: "sn44-miner",
      script: "touchline",
      args: "serve --config .env",
      interpreter: "none",
      exec_mode: "fork",
      instances: 1,
      kill_timeout: 120000,
      restart_delay: 2000,
      max_memory_restart: "4G",
      autorestart: true,
      stop_exit_codes: [2, 3, 12, 18],
      wait_ready: false,
    },
  ],
};
