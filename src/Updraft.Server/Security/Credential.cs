namespace Updraft.Server.Security;

/// <summary>The credential of a request, for routes that respond long after the request. Authentication sets it.</summary>
/// <param name="IsStillValidAsync">Whether the credential would still authenticate a request.</param>
internal sealed record Credential(Func<CancellationToken, Task<bool>> IsStillValidAsync)
{
    /// <summary>Minimal-API binding: the credential of the request.</summary>
    public static ValueTask<Credential?> BindAsync(HttpContext context) => ValueTask.FromResult(context.Features.Get<Credential>());
}
