// A provider of a made-up platform, from the .proto files alone: node provider.js [HOST:PORT]
import { createHmac, timingSafeEqual } from "node:crypto";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const definition = loader.loadSync(["anychannel/v1/provider.proto", here("health.proto")], {
  includeDirs: [process.env.PROTOS ?? here("../../../protos")],
  keepCase: true,
  defaults: true, // a channel_index of 0 is not on the wire
  longs: Number,
  enums: String,
  oneofs: true,
});
const protos = grpc.loadPackageDefinition(definition);
const PROTOCOL_VERSIONS = [1];
const SERVICES = ["", "anychannel.v1.ProviderService"];
const DRAIN_MS = Number(process.env.DRAIN_MS ?? 5000); // until every core has seen NOT_SERVING
const API_MS = 10_000;
let isStopping = false;

const DESCRIPTION = {
  protocol_versions: PROTOCOL_VERSIONS,
  platform: "node-example",
  display_name: "Node example",
  version: "0.1.0",
  capabilities: { max_text_length: 1000, text_unit: "TEXT_UNIT_UTF16" },
  setting_fields: [
    { name: "access_token", label: "Access token", help: "In the platform's console.", secret: true, required: true, pattern: "[!-~]+" },
    { name: "webhook_secret", label: "Webhook secret", help: "In the platform's console.", secret: true, required: true, pattern: "[!-~]+" },
    { name: "api_base", label: "API address", help: "Where the platform's API is.", default_value: "https://api.example.invalid", pattern: "https?://.+" },
  ],
  receives_webhooks: true,
  checks_channels: true,
};

const failure = (kind, text) => ({ failure: { kind: `FAILURE_KIND_${kind}`, text } });

function refusal(status) {
  if (status === 401 || status === 403) return failure("UNAUTHORIZED", "The platform refuses the access token.");
  if (status === 404) return failure("CONTACT_UNREACHABLE", "The platform does not know this contact.");
  if (status === 429) return failure("THROTTLED", "The platform asks us to slow down.");
  if (status >= 400 && status < 500) return failure("CONTENT_REJECTED", "The platform refuses this message.");
  return failure("PLATFORM_UNAVAILABLE", "The platform is down.");
}

// The only I/O. What a platform answers is data: nothing of it is thrown.
async function call({ settings }, signal, method, path, body) {
  try {
    const response = await fetch(new URL(path, settings.api_base), {
      method,
      signal: AbortSignal.any([signal, AbortSignal.timeout(API_MS)]),
      redirect: "manual",
      headers: { authorization: `Bearer ${settings.access_token}`, "content-type": "application/json" },
      body: body && JSON.stringify(body),
    });
    return response.status === 200 ? { answer: await response.json() } : refusal(response.status);
  } catch {
    return failure("PLATFORM_UNAVAILABLE", "The platform does not answer.");
  }
}

async function outcome(channel, part, signal) {
  if (part.content?.kind !== "text") return failure("CONTENT_UNSUPPORTED", "This platform can say text only.");
  const body = { to: part.address, text: part.content.text.text, key: part.idempotency_key };
  const { answer, failure: refused } = await call(channel, signal, "POST", "/messages", body);
  if (refused) return { failure: refused };
  if (typeof answer?.id !== "string" || !answer.id) return failure("PLATFORM_UNAVAILABLE", "The answer cannot be read.");
  return { sent: { platform_message_id: answer.id } };
}

const isAuthentic = (request, secret) => {
  const given = Buffer.from(request.headers.find(({ name }) => name === "x-signature")?.value ?? "");
  const expected = Buffer.from(createHmac("sha256", secret).update(request.body).digest("hex"));
  return given.length === expected.length && timingSafeEqual(given, expected);
};

function read({ settings }, request) {
  if (!isAuthentic(request, settings.webhook_secret)) return { reply: { status_code: 401 } };
  try {
    const { id, from, text } = JSON.parse(request.body);
    if (![id, from, text].every((field) => typeof field === "string" && field)) throw new TypeError();
    const message = { contact: { address: from }, platform_message_id: id, content: { text: { text } } };
    const event = { platform_event_id: id, event_time: request.receive_time, message };
    return { events: [event], reply: { status_code: 200 } };
  } catch {
    return { reply: { status_code: 400 }, notes: [{ code: "unreadable", text: "The webhook cannot be read." }] };
  }
}

const cancelled = (rpc) => {
  const controller = new AbortController();
  rpc.on("cancelled", () => controller.abort());
  return controller.signal;
};

const server = new grpc.Server({ "grpc.max_receive_message_length": 16 * 1024 * 1024 }); // a batch of 100 webhooks
server.addService(protos.anychannel.v1.ProviderService.service, {
  Describe({ request }, answer) {
    if (request.protocol_versions.some((version) => PROTOCOL_VERSIONS.includes(version))) return answer(null, DESCRIPTION);
    const details = `core speaks ${request.protocol_versions}, this provider ${PROTOCOL_VERSIONS}: upgrade the older one`;
    answer({ code: grpc.status.FAILED_PRECONDITION, details });
  },
  async Deliver(rpc) {
    const { channels, deliveries } = rpc.request;
    const signal = cancelled(rpc);
    const contacts = {};
    deliveries.forEach(({ channel_index, part }, index) => (contacts[`${channel_index} ${part.address}`] ??= []).push(index));
    const send = async (index) => {
      const { channel_index, part } = deliveries[index];
      const mistake = () => failure("INTERNAL", "The provider failed.");
      rpc.write({ outcomes: [{ index, ...(await outcome(channels[channel_index], part, signal).catch(mistake)) }] });
    };
    // At once for different contacts, in order for one.
    await Promise.all(Object.values(contacts).map(async (indexes) => {
      for (const index of indexes) await send(index);
    }));
    rpc.end();
  },
  ReceiveWebhooks({ request: { channels, webhooks } }, answer) {
    answer(null, { results: webhooks.map(({ channel_index, request }) => read(channels[channel_index], request)) });
  },
  async CheckChannel(rpc, answer) {
    const { failure: refused } = await call(rpc.request.channel, cancelled(rpc), "GET", "/me");
    if (refused?.kind === "FAILURE_KIND_PLATFORM_UNAVAILABLE") return answer({ code: grpc.status.UNAVAILABLE, details: refused.text });
    answer(null, { problems: refused ? [{ code: refused.kind.slice(13).toLowerCase(), text: refused.text }] : [] });
  },
});
server.addService(protos.grpc.health.v1.Health.service, {
  Check({ request }, answer) {
    if (!SERVICES.includes(request.service)) return answer({ code: grpc.status.NOT_FOUND, details: "no such service" });
    answer(null, { status: isStopping ? "NOT_SERVING" : "SERVING" });
  },
});
server.bindAsync(process.argv[2] ?? "0.0.0.0:50051", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(`serving on port ${port}`);
});
for (const name of ["SIGTERM", "SIGINT"]) {
  process.once(name, () => {
    isStopping = true;
    setTimeout(() => server.tryShutdown(() => process.exit(0)), DRAIN_MS);
  });
}
