namespace Updraft.Server.Api;

/// <summary>
/// One kind of error, which clients tell apart by <see cref="Id"/>. Declare each as a <c>public static readonly</c> field of its slice's
/// <c>…Errors</c> class; <c>docs/reference/errors.md</c> is generated from these fields.
/// </summary>
/// <param name="Id">Stable and unique, in snake_case. Sent in the response header <c>x-error-code</c>.</param>
/// <param name="StatusCode">HTTP status, 400 to 599.</param>
/// <param name="Meaning">One sentence for the catalog: when a request gets this error.</param>
/// <param name="NextStep">One sentence for the catalog: how the caller solves it.</param>
internal sealed record ErrorCode(string Id, int StatusCode, string Meaning, string NextStep)
{
    /// <summary>Name of the response header that carries <see cref="Id"/>.</summary>
    public const string Header = "x-error-code";
}
