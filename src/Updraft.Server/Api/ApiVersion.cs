namespace Updraft.Server.Api;

/// <summary>A version of the public API. Most of it is the same in all; what differs asks here.</summary>
/// <param name="Prefix">Where its addresses begin.</param>
internal sealed record ApiVersion(string Prefix)
{
    /// <summary>Today's.</summary>
    public static readonly ApiVersion V1 = new("/v1");

    /// <summary>The one that older clients and the Terraform provider call.</summary>
    public static readonly ApiVersion V1Beta1 = new("/platform/v1beta1");

    /// <summary>The one of previews: everything of <see cref="V1"/> and what is not settled yet.</summary>
    public static readonly ApiVersion Labs = new("/labs/v1.1");

    /// <summary>Minimal-API binding: the version of the group that the route stands in.</summary>
    public static ValueTask<ApiVersion> BindAsync(HttpContext context) =>
        ValueTask.FromResult(context.GetEndpoint()?.Metadata.GetMetadata<ApiVersion>() ?? V1);
}
