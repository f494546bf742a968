using System.Diagnostics;
using System.Net.Http.Headers;
using System.Threading.Channels;

namespace Updraft.Agent.Tracing;

/// <summary>
/// Sends ended spans to a collector, by OTLP over HTTP in JSON: beside everything else, from a queue that never makes anybody wait. What does
/// not fit, or does not arrive, is lost; a deploy is worth more than its trace.
/// </summary>
internal sealed class SpanExporter : IAsyncDisposable
{
    private const int MaxQueued = 512;

    private static readonly TimeSpan GatherFor = TimeSpan.FromSeconds(0.5), SendTimeout = TimeSpan.FromSeconds(5), EndTimeout = TimeSpan.FromSeconds(2);

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
            // Whether a deploy is traced was decided where its trace began.
            Sample = static (ref ActivityCreationOptions<ActivityContext> span) => span.Parent.TraceFlags.HasFlag(ActivityTraceFlags.Recorded)
                ? ActivitySamplingResult.AllDataAndRecorded
                : ActivitySamplingResult.None,
            ActivityStopped = span => _ended.Writer.TryWrite(span),
        };
        ActivitySource.AddActivityListener(_listener);
        _sending = Task.Run(SendAllAsync);
    }

    /// <summary>Begins to listen; null when the operator named no collector.</summary>
    public static SpanExporter? Start(AgentOptions options, AgentLog log, TimeProvider clock) =>
        options.OtlpEndpoint is null ? null : new SpanExporter(options, log, clock);

    /// <summary>Sends what is left, for two seconds at most.</summary>
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
            // A deploy ends several spans shortly after each other. At the end there is nothing to wait for.
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
            // Whatever it is, it must not end the loop. Said once, until spans arrive again.
            if (!_isLosing)
                _log.Warning("spans_lost", ("count", spans.Count), ("reason", exception.Message));
            _isLosing = true;
        }
    }
}
