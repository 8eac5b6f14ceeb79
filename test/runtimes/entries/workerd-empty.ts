// A worker that does nothing: what workerd costs by itself. For bench/workerd.ts.
export default {
  async fetch(request: Request): Promise<Response> {
    return new Response(await request.text())
  },
}
