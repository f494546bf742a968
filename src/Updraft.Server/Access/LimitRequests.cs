using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;
using Updraft.Server.Security;

namespace Updraft.Server.Access;

/// <summary>Middleware after authorization: rejects requests beyond <see cref="RateLimitOptions"/>.</summary>
internal sealed class LimitRequests : IDisposable
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly RequestDelegate _next;
    private readonly PartitionedRateLimiter<string>? _addresses;
    private readonly PartitionedRateLimiter<string>? _callers;

    public LimitRequests(RequestDelegate next, IOptions<RateLimitOptions> options)
    {
        _next = next;
        _addresses = Create(options.Value.AnonymousPerMinute);
        _callers = Create(options.Value.CallerPerMinute);
    }

    // Not asynchronous: thousands of agents wait in here, and each would hold a state machine.
    public Task InvokeAsync(HttpContext context)
    {
        if (_addresses is not null && context.GetEndpoint()?.Metadata.GetMetadata<LimitedPerAddress>() is not null)
            Check(_addresses, RequestClient.Address(context), "Your IP address");
        else if (_callers is not null && context.Features.Get<Subject>() is { Kind: not SubjectKind.Agent } caller)
            Check(_callers, caller.Id, "Your user or token");
        return _next(context);
    }

    public void Dispose()
    {
        _addresses?.Dispose();
        _callers?.Dispose();
    }

    private static PartitionedRateLimiter<string>? Create(int perMinute) => perMinute == 0 ? null
        : PartitionedRateLimiter.Create<string, string>(key => RateLimitPartition.GetTokenBucketLimiter(key, _ => new()
        {
            TokenLimit = perMinute,
            TokensPerPeriod = Math.Max(1, perMinute / 60),
            ReplenishmentPeriod = TimeSpan.FromSeconds(perMinute < 60 ? 60.0 / perMinute : 1),
            QueueLimit = 0,
        }), StringComparer.Ordinal);

    private static void Check(PartitionedRateLimiter<string> limiter, string key, string who)
    {
        using var lease = limiter.AttemptAcquire(key);
        if (lease.IsAcquired)
            return;
        var pause = lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) && wait > TimeSpan.Zero && wait < Window
            ? wait : TimeSpan.FromSeconds(1);
        throw new ApiException(RequestErrors.TooManyRequests,
            $"{who} sends more requests than the section RateLimits allows. Send the request again in "
            + $"{(int)Math.Ceiling(pause.TotalSeconds)} seconds.")
        {
            RetryAfter = pause,
        };
    }
}
