using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys.Compare;

/// <summary>
/// The files of deploys: the differences of two deploys, and the content of a version. These routes are not in the contract, so they have
/// URLs of their own, and the API that other clients use stays unchanged.
/// </summary>
internal static class DeployFileEndpoints
{
    public static void MapDeployFiles(this IEndpointRouteBuilder routes)
    {
        var deployment = routes.MapGroup("/organizations/{organizationId}/deployments/{deploymentId}");
        deployment.MapGet("/deploys/{deployId}/files/diff", Compare).Requires(Permission.ReadDeploys).Operation("GetFileDiff")
            .Produces<FileDiffResponse>().WithMetadata(ReadsContent.Instance);
        deployment.MapGet("/deploys/{deployId}/files/text-diff", CompareText).Requires(Permission.ReadDeploys).Operation("GetTextDiff")
            .Produces<TextDiffResponse>().WithMetadata(ReadsContent.Instance);
        deployment.MapGet("/versions/{version}/files", List).Requires(Permission.ReadDeploys).Operation("ListVersionFiles")
            .Produces<VersionFilesResponse>().WithMetadata(ReadsContent.Instance);
        deployment.MapGet("/versions/{version}/content", DownloadAsync).Requires(Permission.ReadDeploys)
            .WithMetadata(ReadsContent.Instance);
    }

    private static async Task<PushStreamHttpResult> Compare(DeploymentId deploymentId, DeployId deployId,
        [Description("Id of the deploy to compare with. Default: the deploy of the revision before.")] string? against,
        CompareFiles compare, DeployHistory history, ContentReads reads, HttpResponse httpResponse, CancellationToken cancellationToken)
    {
        using var place = await reads.EnterAsync(cancellationToken);
        var (before, changes) = await ReadAsync(deploymentId, deployId, against, compare, history, cancellationToken);
        return await SerializeAsync(new()
        {
            DeployIdBefore = before?.Value,
            DeployIdAfter = deployId.Value,
            Bundles = [.. changes.Select(change => new BundleDiff
            {
                Path = change.Path,
                VersionBefore = change.Before?.Version,
                VersionAfter = change.After?.Version,
                Files = change.Files.Select(file => new ChangedFile
                {
                    Path = file.Path,
                    Change = file.Kind.ToString().ToUpperInvariant(),
                    SizeBefore = file.Before?.Size,
                    SizeAfter = file.After?.Size,
                }),
            })],
        }, ApiJson.Default.FileDiffResponse, httpResponse, cancellationToken);
    }

    private static async Task<PushStreamHttpResult> CompareText(DeploymentId deploymentId, DeployId deployId,
        [Description("Id of the deploy to compare with. Default: the deploy of the revision before.")] string? against,
        [Description("Path of the bundle below the agent's root, such as dags.")] string? bundle,
        [Description("Path of the file in the bundle.")] string? path,
        CompareFiles compare, CompareText texts, DeployHistory history, ContentReads reads, HttpResponse httpResponse,
        CancellationToken cancellationToken)
    {
        using var place = await reads.EnterAsync(cancellationToken);
        var (_, changes) = await ReadAsync(deploymentId, deployId, against, compare, history, cancellationToken);
        var file = changes.FirstOrDefault(change => change.Path == bundle)?.Files.FirstOrDefault(file => file.Path == path)
            ?? throw ApiException.NotFound("file that differs", path ?? "");
        var text = await texts.RunAsync(deploymentId, file, cancellationToken);
        return await SerializeAsync(new()
        {
            Path = file.Path,
            Reason = text.Problem,
            Lines = text.Lines is null ? null : [.. text.Lines.Select(line => new TextDiffLine
            {
                Kind = line.Kind.ToString().ToUpperInvariant(),
                NumberBefore = line.Before,
                NumberAfter = line.After,
                Text = line.Text,
            })],
        }, ApiJson.Default.TextDiffResponse, httpResponse, cancellationToken);
    }

    private static async Task<PushStreamHttpResult> List(DeploymentId deploymentId, string version, BundleFiles files, ContentReads reads,
        HttpResponse httpResponse, CancellationToken cancellationToken)
    {
        using var place = await reads.EnterAsync(cancellationToken);
        var (row, entries) = await files.ReadVersionAsync(deploymentId, version, cancellationToken);
        return await SerializeAsync(new()
        {
            Version = row.Version,
            DeployId = row.DeployId.Value,
            Files = entries.Where(entry => !entry.IsDirectory).Select(entry => new VersionFile
            {
                Path = entry.Path,
                Size = entry.Size,
                Sha256 = entry.Content.ToString(),
                IsExecutable = entry.IsExecutable,
            }),
        }, ApiJson.Default.VersionFilesResponse, httpResponse, cancellationToken);
    }

    /// <summary>A file of a version. The headers make browsers save it; they must not show or run it.</summary>
    /// <exception cref="ApiException">404: no such version or file.</exception>
    public static async Task<PushStreamHttpResult> DownloadAsync(DeploymentId deploymentId, string version, string? path,
        HttpResponse response, BundleFiles files, ContentReads reads, CancellationToken cancellationToken)
    {
        ManifestEntry entry;
        using (await reads.EnterAsync(cancellationToken))
        {
            var (_, entries) = await files.ReadVersionAsync(deploymentId, version, cancellationToken);
            entry = entries.FirstOrDefault(entry => entry.Path == path && !entry.IsDirectory);
        }
        if (entry.Path is null)
            throw ApiException.NotFound("file", path ?? "");
        var disposition = new ContentDispositionHeaderValue("attachment");
        disposition.SetHttpFileName(entry.Path[(entry.Path.LastIndexOf('/') + 1)..]);
        response.Headers.ContentDisposition = disposition.ToString();
        response.Headers.XContentTypeOptions = "nosniff";
        response.ContentLength = entry.Size;
        return TypedResults.Stream(stream => files.CopyToAsync(deploymentId, entry, stream, cancellationToken), "application/octet-stream");
    }

    // The response is complete before the request leaves its place, so a slow client holds neither a place nor objects. A long one is in
    // a temporary file.
    private static async Task<PushStreamHttpResult> SerializeAsync<T>(T response, JsonTypeInfo<T> type, HttpResponse httpResponse,
        CancellationToken cancellationToken)
    {
        var body = new FileBufferingWriteStream();
        httpResponse.RegisterForDisposeAsync(body);
        await JsonSerializer.SerializeAsync(body, response, type, cancellationToken);
        return TypedResults.Stream(stream => body.DrainBufferAsync(stream, cancellationToken), "application/json; charset=utf-8");
    }

    private static async Task<(DeployId? Before, IReadOnlyList<BundleChange> Changes)> ReadAsync(DeploymentId deployment, DeployId deploy,
        string? against, CompareFiles compare, DeployHistory history, CancellationToken cancellationToken)
    {
        var after = await compare.ReadRevisionAsync(deployment, deploy, cancellationToken);
        DeployId? before = string.IsNullOrEmpty(against)
            ? await history.BeforeAsync(deployment, after.Number, cancellationToken) : new DeployId(against);
        var revision = before is { } id ? await compare.ReadRevisionAsync(deployment, id, cancellationToken) : null;
        return (before, await compare.CompareAsync(revision, after, cancellationToken));
    }
}
