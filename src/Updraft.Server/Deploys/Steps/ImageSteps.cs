using System.Globalization;
using Updraft.Server.Images;
using Updraft.Server.Rollouts;

namespace Updraft.Server.Deploys.Steps;

/// <summary>The current state of an image tag in the registry.</summary>
/// <param name="Digest">The digest of the tag; null if the tag does not exist, or if there is a problem.</param>
/// <param name="Problem">The reason why the registry could not be read; null otherwise.</param>
/// <param name="At">The time of the request.</param>
internal sealed record TagState(string? Digest, string? Problem, DateTimeOffset At);

/// <summary>The steps of an image: the client pushes it to the registry, then finalize resolves the tag to a digest.</summary>
internal static class ImageSteps
{
    /// <param name="deploy">A deploy with an image.</param>
    /// <param name="revision">Its revision; null before finalize.</param>
    /// <param name="image">The image of the revision; null before finalize.</param>
    /// <param name="tag">The state of the tag before finalize; null afterwards.</param>
    public static IEnumerable<DeployStep> Of(Deploy deploy, Revision? revision, Image? image, TagState? tag)
    {
        var name = $"{deploy.ImageRepository}:{deploy.ImageTag}";
        if (revision is not null && image is not null)
        {
            var at = revision.CreatedAt;
            yield return DeploySteps.Step("pushed", "Image pushed", deploy.CreatedAt, at, at,
                [DeploySteps.Entry(string.Create(CultureInfo.InvariantCulture, $"{name} is in the registry, {image.Bytes} bytes."), at)]);
            yield return DeploySteps.Step("resolved", "Image resolved", deploy.CreatedAt, at, at,
            [
                DeploySteps.Entry($"{name} is pinned to {image.Digest}; later pushes to the tag do not change it.", at),
                DeploySteps.Entry($"Runtime {Known(image.RuntimeVersion)}, Airflow {Known(image.AirflowVersion)}.", at),
                DeploySteps.Entry($"Architectures: {(image.Architectures.Count > 0 ? string.Join(", ", image.Architectures) : "unknown")}.",
                    at),
            ]);
            yield break;
        }
        var now = tag?.Digest is null ? (DateTimeOffset?)null : tag.At;
        yield return DeploySteps.Step("pushed", "Image pushed", deploy.CreatedAt, now, now, tag is null ? [] : [DeploySteps.Entry(
            tag.Problem ?? (tag.Digest is null ? $"{name} is not in the registry yet: docker push {name}"
                : $"{name} is in the registry, {tag.Digest}."), tag.At)]);
        yield return DeploySteps.Step("resolved", "Image resolved", deploy.CreatedAt, null, null, []);
    }

    private static string Known(string version) => version.Length > 0 ? version : "unknown";
}
