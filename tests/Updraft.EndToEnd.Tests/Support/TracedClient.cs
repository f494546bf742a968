using System.Collections.Concurrent;
using System.Diagnostics;

namespace Updraft.EndToEnd.Tests.Support;

/// <summary>
/// Traces the client requests of a test until disposal: a root span, and below it one span for each request of .NET's HTTP client. The
/// client also sends <c>traceparent</c>.
/// </summary>
internal sealed class TracedClient : IDisposable
{
    private readonly ActivityListener _listener;
    private readonly ConcurrentQueue<Activity> _requests = new();
    private readonly Activity _root;

    public TracedClient(string name)
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == "System.Net.Http",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = request =>
            {
                if (request.TraceId == _root?.TraceId)
                    _requests.Enqueue(request);
            },
        };
        ActivitySource.AddActivityListener(_listener);
        _root = new Activity(name).SetIdFormat(ActivityIdFormat.W3C);
        _root.ActivityTraceFlags = ActivityTraceFlags.Recorded;
        _root.Start();
    }

    public string TraceId => _root.TraceId.ToHexString();

    /// <summary>Ids of the spans for requests.</summary>
    public IReadOnlySet<string> RequestIds =>
        _requests.Select(request => request.SpanId.ToHexString()).ToHashSet(StringComparer.Ordinal);

    public void Dispose()
    {
        _root.Dispose();
        _listener.Dispose();
    }
}
