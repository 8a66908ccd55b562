// A bare `npm install` succeeds here and links none of the workspace's packages, which looks like a broken checkout.
if (!(process.env.npm_config_user_agent ?? '').startsWith('pnpm/')) {
  console.error(
    'This workspace is installed with pnpm. Run `npm test` or `npm start`: both install it in the right way.',
  );
  process.exit(1);
}
