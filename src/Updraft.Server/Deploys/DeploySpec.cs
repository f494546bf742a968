using System.Globalization;
using System.Text.RegularExpressions;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Bundles;

namespace Updraft.Server.Deploys;

/// <summary>A request to create a deploy, after the checks that do not need the Deployment.</summary>
internal sealed record DeploySpec
{
    private const int MaxBundleType = 64;

    private static readonly Regex TagPattern = new(@"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\z",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant);

    public required DeployType Type { get; init; }

    public required string? Description { get; init; }

    public required DeployGit? Git { get; init; }

    /// <summary>Mount path of a BUNDLE deploy; null for other types.</summary>
    public required MountPath? Mount { get; init; }

    public required string? BundleType { get; init; }

    /// <summary>The DAG bundle; null for the default one.</summary>
    public string? DagBundleName { get; init; }

    /// <summary>The image tag from the client; null if the server generates one.</summary>
    public string? ImageTag { get; init; }

    public DeployTarget Target => new(Type, Mount?.Absolute, BundleType, DagBundleName);

    /// <summary>Reads a request of <c>/v1</c>.</summary>
    /// <exception cref="ApiException">400: a field is invalid.</exception>
    public static DeploySpec Of(CreateDeployRequest request, string airflowHome)
    {
        var type = DeployTypeNames.Parse(request.Type);
        TextLimit.Check(request.Description, "description", TextLimit.Description);
        return new()
        {
            Type = type,
            Description = request.Description,
            Git = GitBlock.Read(request.Git),
            Mount = type == DeployType.Bundle ? MountPath.Parse(request.BundleMountPath, airflowHome) : null,
            BundleType = type == DeployType.Bundle ? CheckBundleType(request.BundleType, "bundleType") : null,
        };
    }

    /// <summary>Reads a request of <c>/v1alpha1</c>.</summary>
    /// <exception cref="ApiException">400: a field is invalid.</exception>
    public static DeploySpec Of(CreateAlphaDeployRequest request, string airflowHome)
    {
        var type = DeployTypeNames.ParseAlpha(request.Type);
        var name = request.DagBundleName is "" or Bundle.Main ? null : request.DagBundleName;
        if (name is not null && type is DeployType.Bundle or DeployType.ImageOnly)
            throw ApiException.BadRequest($"'dagBundleName' is invalid for the type {type.Name()}, which deploys no DAGs; omit it.");
        var tag = string.IsNullOrEmpty(request.ImageTag) || !type.HasImage() ? null : request.ImageTag;
        if (tag is not null && !TagPattern.IsMatch(tag))
        {
            throw ApiException.BadRequest(
                "'imageTag' must be 1 to 128 letters, digits, '_', '.' or '-'; it must not begin with '.' or '-'.");
        }
        var common = new CreateDeployRequest
        {
            Type = type.Name(),
            Description = request.Description,
            BundleMountPath = request.BundleMountPath,
            BundleType = request.BundleType,
            Git = request.Git,
        };
        return Of(common, airflowHome) with { DagBundleName = name, ImageTag = tag };
    }

    /// <summary>Checks the type of a non-DAG bundle, which clients choose.</summary>
    /// <exception cref="ApiException">400: absent, too long, or not a plain word.</exception>
    public static string CheckBundleType(string? text, string field)
    {
        if (string.IsNullOrEmpty(text))
            throw ApiException.BadRequest($"The field '{field}' is required for the type BUNDLE, e.g. dbt.");
        TextLimit.Check(text, field, MaxBundleType);
        if (text[0] == '$' || text != text.Trim() || text.EnumerateRunes().Any(IsInvisible))
            throw ApiException.BadRequest($"The {field} '{ApiException.Shorten(text)}' is invalid: it must not begin with $, "
                + "begin or end with a space, or contain control characters.");
        return text;
    }

    private static bool IsInvisible(System.Text.Rune rune) => System.Text.Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
