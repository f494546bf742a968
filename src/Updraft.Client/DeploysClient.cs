using Updraft.Protocol.Api;

namespace Updraft.Client;

/// <summary>The deploys of one Deployment. A deploy takes three calls: create, upload, finalize.</summary>
public sealed class DeploysClient
{
    private readonly ApiConnection _api;
    private readonly HttpClient _http;
    private readonly UploadSettings _uploads;
    private readonly string _path;

    internal DeploysClient(ApiConnection api, HttpClient http, UploadSettings uploads, string organizationId, string deploymentId)
    {
        (_api, _http, _uploads) = (api, http, uploads);
        _path = $"/organizations/{ApiConnection.Id(organizationId)}/deployments/{ApiConnection.Id(deploymentId)}/deploys";
    }

    /// <summary>Lists the deploys, newest first.</summary>
    public IAsyncEnumerable<DeployResponse> ListAsync(CancellationToken cancellationToken = default) =>
        _api.ListAsync(_path, ApiJson.Default.DeploysPaginated, page => page.Deploys, cancellationToken);

    /// <summary>Reads one deploy.</summary>
    public Task<DeployResponse> GetAsync(string deployId, CancellationToken cancellationToken = default) =>
        _api.GetAsync(One(deployId), ApiJson.Default.DeployResponse, cancellationToken);

    /// <summary>Creates a deploy. It has no effect before it is finalized.</summary>
    public Task<DeployResponse> CreateAsync(CreateDeployRequest deploy, CancellationToken cancellationToken = default) =>
        _api.PostAsync(_path, deploy, ApiJson.Default.CreateDeployRequest, ApiJson.Default.DeployResponse, cancellationToken);

    /// <summary>
    /// Uploads a tar archive (plain, gzip or zstd) to <see cref="DeployResponse.DagsUploadUrl"/> or
    /// <see cref="DeployResponse.BundleUploadUrl"/>. At most one block of it is in memory. Temporary failures are retried.
    /// </summary>
    /// <param name="uploadUrl">Signed upload URL. It needs no token.</param>
    /// <param name="archive">Archive, which is read from its current position to its end. The caller disposes it.</param>
    /// <param name="progress">Receives the number of bytes sent so far.</param>
    /// <param name="cancellationToken">Aborts the upload. The deploy then stays without this version.</param>
    /// <returns>The version to finalize.</returns>
    public Task<string> UploadAsync(string uploadUrl, Stream archive, IProgress<long>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(uploadUrl);
        ArgumentNullException.ThrowIfNull(archive);
        return new ArchiveUpload(_http, _uploads, uploadUrl, progress).RunAsync(archive, cancellationToken);
    }

    /// <summary>
    /// Finalizes a deploy, so that it becomes the newest revision. When the method returns, the deploy survives a power cut. A repeated
    /// call with the same versions has no effect.
    /// </summary>
    public Task<DeployResponse> FinalizeAsync(string deployId, FinalizeDeployRequest versions,
        CancellationToken cancellationToken = default) =>
        _api.PostAsync(One(deployId) + "/finalize", versions, ApiJson.Default.FinalizeDeployRequest, ApiJson.Default.DeployResponse,
            cancellationToken);

    /// <summary>Changes the description.</summary>
    public Task<DeployResponse> UpdateAsync(string deployId, UpdateDeployRequest deploy, CancellationToken cancellationToken = default) =>
        _api.PostAsync(One(deployId), deploy, ApiJson.Default.UpdateDeployRequest, ApiJson.Default.DeployResponse, cancellationToken);

    /// <summary>Creates a deploy with the content of an earlier one. It needs no upload and no finalize.</summary>
    public Task<DeployResponse> RollBackAsync(string deployId, DeployRollbackRequest? rollback = null,
        CancellationToken cancellationToken = default) =>
        _api.PostAsync(One(deployId) + "/rollback", rollback ?? new DeployRollbackRequest(), ApiJson.Default.DeployRollbackRequest,
            ApiJson.Default.DeployResponse, cancellationToken);

    private string One(string deployId) => $"{_path}/{ApiConnection.Id(deployId)}";
}
