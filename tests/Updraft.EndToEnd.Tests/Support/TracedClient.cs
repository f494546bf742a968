using System.Collections.Concurrent;
using System.Diagnostics;

namespace Updraft.EndToEnd.Tests.Support;

/// <summary>
/// Traces what the test does as a client until it is disposed: a root span, below it one for each request that .NET's own HTTP client makes,
/// which also sends <c>traceparent</c>.
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

    /// <summary>Ids of the client's own spans.</summary>
    public IReadOnlySet<string> RequestIds => _requests.Select(request => request.SpanId.ToHexString()).ToHashSet(StringComparer.Ordinal);

    public void Dispose()
    {
        _root.Dispose();
        _listener.Dispose();
    }
}
