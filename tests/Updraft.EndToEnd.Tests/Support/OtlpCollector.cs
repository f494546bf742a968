using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;

namespace Updraft.EndToEnd.Tests.Support;

/// <summary>A span as it arrived.</summary>
internal sealed record CollectedSpan(string Service, string TraceId, string SpanId, string ParentId, string Name, int Kind,
    ulong Start, ulong End, IReadOnlyDictionary<string, string> Resource, IReadOnlyDictionary<string, string> Attributes)
{
    public const int Server = 2, Client = 3;

    public string? DeployId => Attributes.GetValueOrDefault("updraft.deploy.id");
}

/// <summary>Stands in for a collector: takes OTLP over HTTP, in protobuf as the server sends it and in JSON as agents do, and keeps all spans.</summary>
internal sealed class OtlpCollector : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly ConcurrentQueue<CollectedSpan> _spans = new();
    private readonly ConcurrentQueue<byte[]> _bodies = new();
    private readonly Task _serving;

    public OtlpCollector()
    {
        Address = LoopbackPort.LeaseUrl().OriginalString;
        _listener.Prefixes.Add(Address + "/");
        _listener.Start();
        _serving = ServeAsync();
    }

    public string Address { get; }

    public IReadOnlyList<CollectedSpan> Spans => [.. _spans];

    /// <summary>Everything that came, as text of one byte each character.</summary>
    public string Everything => string.Concat(_bodies.Select(Encoding.Latin1.GetString));

    public async ValueTask DisposeAsync()
    {
        _listener.Close();
        await _serving;
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
            using var body = new MemoryStream();
            await context.Request.InputStream.CopyToAsync(body);
            var isTraces = context.Request is { HttpMethod: "POST", Url.AbsolutePath: "/v1/traces" };
            if (isTraces)
            {
                _bodies.Enqueue(body.ToArray());
                foreach (var span in context.Request.ContentType == "application/json" ? ReadJson(body.ToArray()) : ReadProtobuf(body.ToArray()))
                    _spans.Enqueue(span);
            }
            context.Response.StatusCode = isTraces ? 200 : 404;
            context.Response.Close();
        }
    }

    private static IEnumerable<CollectedSpan> ReadJson(byte[] body)
    {
        using var json = JsonDocument.Parse(body);
        foreach (var resourceSpans in json.RootElement.GetProperty("resourceSpans").EnumerateArray())
        {
            var resource = Attributes(resourceSpans.GetProperty("resource"));
            foreach (var span in resourceSpans.GetProperty("scopeSpans").EnumerateArray().SelectMany(scope => scope.GetProperty("spans").EnumerateArray()))
            {
                yield return new(resource["service.name"], Text(span, "traceId"), Text(span, "spanId"), Text(span, "parentSpanId"), Text(span, "name"),
                    span.GetProperty("kind").GetInt32(), ulong.Parse(Text(span, "startTimeUnixNano"), CultureInfo.InvariantCulture),
                    ulong.Parse(Text(span, "endTimeUnixNano"), CultureInfo.InvariantCulture), resource, Attributes(span));
            }
        }

        static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

        static Dictionary<string, string> Attributes(JsonElement element) => element.GetProperty("attributes").EnumerateArray()
            .ToDictionary(pair => Text(pair, "key"), pair => pair.GetProperty("value").EnumerateObject().Single().Value.ToString());
    }

    private static IEnumerable<CollectedSpan> ReadProtobuf(byte[] body) =>
        from resourceSpans in ProtobufField.Read(body)
        where resourceSpans.Number == 1
        let parts = ProtobufField.Read(resourceSpans.Bytes)
        let resource = parts.Where(part => part.Number == 1).Select(part => Attributes(part.Bytes, 1)).Single()
        from scope in parts
        where scope.Number == 2
        from span in ProtobufField.Read(scope.Bytes)
        where span.Number == 2
        let fields = ProtobufField.Read(span.Bytes)
        select new CollectedSpan(resource["service.name"], Hex(fields, 1), Hex(fields, 2), Hex(fields, 4), Text(fields, 5), (int)Value(fields, 6),
            Value(fields, 7), Value(fields, 8), resource, Attributes(span.Bytes, 9));

    private static Dictionary<string, string> Attributes(ReadOnlyMemory<byte> message, int number)
    {
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var pair in ProtobufField.Read(message).Where(field => field.Number == number).Select(field => ProtobufField.Read(field.Bytes)))
        {
            var value = ProtobufField.Read(pair.Single(field => field.Number == 2).Bytes).SingleOrDefault();
            found[Text(pair, 1)] = value?.Number == 1 ? Encoding.UTF8.GetString(value.Bytes.Span) : $"{value?.Value}";
        }
        return found;
    }

    private static string Hex(IEnumerable<ProtobufField> fields, int number) =>
        Convert.ToHexStringLower(Bytes(fields, number).Span);

    private static string Text(IEnumerable<ProtobufField> fields, int number) =>
        Encoding.UTF8.GetString(Bytes(fields, number).Span);

    private static ReadOnlyMemory<byte> Bytes(IEnumerable<ProtobufField> fields, int number) =>
        fields.SingleOrDefault(field => field.Number == number)?.Bytes ?? default;

    private static ulong Value(IEnumerable<ProtobufField> fields, int number) => fields.SingleOrDefault(field => field.Number == number)?.Value ?? 0;
}
