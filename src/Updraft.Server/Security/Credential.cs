namespace Updraft.Server.Security;

/// <summary>What a request came in with, for routes that answer long after they were asked. Set by authentication.</summary>
/// <param name="IsStillValidAsync">Whether it would still let the caller in.</param>
internal sealed record Credential(Func<CancellationToken, Task<bool>> IsStillValidAsync)
{
    /// <summary>Minimal-API binding: the credential of this request.</summary>
    public static ValueTask<Credential?> BindAsync(HttpContext context) => ValueTask.FromResult(context.Features.Get<Credential>());
}
