using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;
using Updraft.Server.Security;

namespace Updraft.Server.Bundles;

/// <summary>Marks a route whose memory grows with the number of files; see <see cref="ContentReads"/>.</summary>
internal sealed class ReadsContent
{
    public static readonly ReadsContent Instance = new();
}

/// <summary>
/// Limits the memory of lists of files and of comparisons. A request has a place of its caller until its response ends, so a client that
/// reads slowly blocks only itself. It has a place of the server only while it computes.
/// </summary>
internal sealed class ContentReads : IDisposable
{
    /// <summary>Time after which a rejected client may try again, in seconds.</summary>
    private const int RetryAfterSeconds = 3;

    private readonly PartitionedRateLimiter<string> _callers;
    private readonly SemaphoreSlim _computing;

    public ContentReads(IOptions<ReadOptions> options)
    {
        var limits = options.Value;
        _computing = new SemaphoreSlim(limits.MaxConcurrent, limits.MaxConcurrent);
        _callers = PartitionedRateLimiter.Create<string, string>(caller => RateLimitPartition.GetConcurrencyLimiter(caller, _ => new()
        {
            PermitLimit = limits.MaxPerCaller,
            QueueLimit = limits.MaxWaiting,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
        }), StringComparer.Ordinal);
    }

    /// <summary>Waits for a place to compute. Dispose the result before the response is written.</summary>
    public async Task<IDisposable> EnterAsync(CancellationToken cancellationToken)
    {
        await _computing.WaitAsync(cancellationToken);
        return new Place(_computing);
    }

    /// <summary>Waits for a place of the caller.</summary>
    /// <exception cref="ApiException">503: too many requests of the caller wait.</exception>
    public async Task<IDisposable> EnterAsync(Subject caller, CancellationToken cancellationToken)
    {
        var lease = await _callers.AcquireAsync(caller.Id, cancellationToken: cancellationToken);
        if (lease.IsAcquired)
            return lease;
        lease.Dispose();
        throw new ApiException(BundleErrors.TooManyReads,
            "You already have too many lists of files or comparisons waiting (Reads:MaxWaiting). Send the request again in "
            + $"{RetryAfterSeconds} seconds.")
        {
            RetryAfter = TimeSpan.FromSeconds(RetryAfterSeconds),
        };
    }

    public void Dispose()
    {
        _callers.Dispose();
        _computing.Dispose();
    }

    private sealed class Place(SemaphoreSlim places) : IDisposable
    {
        private SemaphoreSlim? _places = places;

        public void Dispose() => Interlocked.Exchange(ref _places, null)?.Release();
    }
}

/// <summary>Middleware after authorization: gives each request to a route with <see cref="ReadsContent"/> a place of its caller.</summary>
internal sealed class LimitContentReads(RequestDelegate next, ContentReads reads)
{
    public Task InvokeAsync(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<ReadsContent>() is not null && context.Features.Get<Subject>() is { } caller
            ? RunAsync(context, caller) : next(context);

    private async Task RunAsync(HttpContext context, Subject caller)
    {
        using var place = await reads.EnterAsync(caller, context.RequestAborted);
        await next(context);
    }
}
