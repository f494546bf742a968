using System.Diagnostics;
using System.Net.Http.Headers;
using System.Threading.Channels;

namespace Updraft.Agent.Tracing;

/// <summary>
/// Sends ended spans to a collector, as OTLP over HTTP in JSON. Spans go through a queue that never blocks a deploy. Spans that do not fit
/// into the queue, or that the collector does not accept, are lost.
/// </summary>
internal sealed class SpanExporter : IAsyncDisposable
{
    private const int MaxQueued = 512;

    private static readonly TimeSpan GatherFor = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan SendTimeout = TimeSpan.FromSeconds(5), EndTimeout = TimeSpan.FromSeconds(2);

    private readonly Channel<Activity> _ended = Channel.CreateBounded<Activity>(
        new BoundedChannelOptions(MaxQueued) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite });

    private readonly CancellationTokenSource _stop = new();
    private readonly ActivityListener _listener;
    private readonly HttpClient _http = ServerRequest.Connect(followRedirects: false);
    private readonly AgentOptions _options;
    private readonly AgentLog _log;
    private readonly TimeProvider _clock;
    private readonly Task _sending;
    private bool _isLosing;

    private SpanExporter(AgentOptions options, AgentLog log, TimeProvider clock)
    {
        (_options, _log, _clock) = (options, log, clock);
        _listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == AgentSpans.SourceName,
            // The start of the trace decides whether a deploy is sampled.
            Sample = static (ref ActivityCreationOptions<ActivityContext> span) =>
                span.Parent.TraceFlags.HasFlag(ActivityTraceFlags.Recorded)
                    ? ActivitySamplingResult.AllDataAndRecorded
                    : ActivitySamplingResult.None,
            ActivityStopped = span => _ended.Writer.TryWrite(span),
        };
        ActivitySource.AddActivityListener(_listener);
        _sending = Task.Run(SendAllAsync);
    }

    /// <summary>Starts the exporter; null if the options name no collector.</summary>
    public static SpanExporter? Start(AgentOptions options, AgentLog log, TimeProvider clock) =>
        options.OtlpEndpoint is null ? null : new SpanExporter(options, log, clock);

    /// <summary>Sends the remaining spans, for at most two seconds.</summary>
    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        _ended.Writer.Complete();
        _stop.CancelAfter(EndTimeout);
        await _sending;
        _stop.Dispose();
        _http.Dispose();
    }

    private async Task SendAllAsync()
    {
        var spans = new List<Activity>();
        while (await _ended.Reader.WaitToReadAsync())
        {
            // A deploy ends several spans in a short time, so they are sent together. At the end of the agent there is no wait.
            await Task.WhenAny(_ended.Reader.Completion, Task.Delay(GatherFor, _clock));
            while (_ended.Reader.TryRead(out var span))
                spans.Add(span);
            await SendAsync(spans);
            spans.Clear();
        }
    }

    private async Task SendAsync(List<Activity> spans)
    {
        using var limit = new CancellationTokenSource(SendTimeout, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stop.Token);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, _options.OtlpEndpoint!.AbsoluteUri.TrimEnd('/') + "/v1/traces");
            request.Content = new ByteArrayContent(SpanJson.Write(spans, _options));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            foreach (var (name, value) in _options.OtlpHeaders)
                request.Headers.TryAddWithoutValidation(name, value);
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            response.EnsureSuccessStatusCode();
            _isLosing = false;
        }
        catch (Exception exception)
        {
            // No exception may end the loop. The loss is logged once until spans arrive again.
            if (!_isLosing)
                _log.Warning("spans_lost", ("count", spans.Count), ("reason", ErrorReason.Of(exception)));
            _isLosing = true;
        }
    }
}
