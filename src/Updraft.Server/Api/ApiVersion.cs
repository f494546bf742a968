namespace Updraft.Server.Api;

/// <summary>A version of the public API. Most operations are the same in all versions; the others check this.</summary>
/// <param name="Prefix">Prefix of its URL paths.</param>
internal sealed record ApiVersion(string Prefix)
{
    /// <summary>The current version.</summary>
    public static readonly ApiVersion V1 = new("/v1");

    /// <summary>The version of older clients and of the Terraform provider.</summary>
    public static readonly ApiVersion V1Beta1 = new("/platform/v1beta1");

    /// <summary>Users, roles and tokens for the Terraform provider.</summary>
    public static readonly ApiVersion IamV1Beta1 = new("/iam/v1beta1");

    /// <summary>The preview version: <see cref="V1"/> and operations that may still change.</summary>
    public static readonly ApiVersion Labs = new("/labs/v1.1");

    /// <summary>
    /// Whether the Terraform provider uses the version. It sends the whole state, so a field that a request omits must disappear, and
    /// a response must not contain an empty list that the request did not have. Other clients send the fields that change.
    /// </summary>
    public bool IsDeclarative => this == V1Beta1 || this == IamV1Beta1;

    /// <summary>Minimal-API binding: the version of the route's group.</summary>
    public static ValueTask<ApiVersion> BindAsync(HttpContext context) =>
        ValueTask.FromResult(context.GetEndpoint()?.Metadata.GetMetadata<ApiVersion>() ?? V1);
}
