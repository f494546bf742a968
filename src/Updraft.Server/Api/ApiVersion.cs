namespace Updraft.Server.Api;

/// <summary>A version of the public API. Most operations are the same in all versions; the others check this.</summary>
/// <param name="Prefix">Prefix of its URL paths.</param>
internal sealed record ApiVersion(string Prefix)
{
    /// <summary>The current version.</summary>
    public static readonly ApiVersion V1 = new("/v1");

    /// <summary>The version of older clients and of the Terraform provider.</summary>
    public static readonly ApiVersion V1Beta1 = new("/platform/v1beta1");

    /// <summary>The preview version: <see cref="V1"/> and operations that may still change.</summary>
    public static readonly ApiVersion Labs = new("/labs/v1.1");

    /// <summary>Minimal-API binding: the version of the route's group.</summary>
    public static ValueTask<ApiVersion> BindAsync(HttpContext context) =>
        ValueTask.FromResult(context.GetEndpoint()?.Metadata.GetMetadata<ApiVersion>() ?? V1);
}
