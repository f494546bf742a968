using Updraft.Protocol.Api;

namespace Updraft.Client;

/// <summary>The deploys of one Deployment: create, upload, finalize; look, describe, roll back.</summary>
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

    /// <summary>The history, newest first.</summary>
    public IAsyncEnumerable<DeployResponse> ListAsync(CancellationToken cancellationToken = default) =>
        _api.ListAsync(_path, ApiJson.Default.DeploysPaginated, page => page.Deploys, cancellationToken);

    /// <summary>One deploy.</summary>
    public Task<DeployResponse> GetAsync(string deployId, CancellationToken cancellationToken = default) =>
        _api.GetAsync(One(deployId), ApiJson.Default.DeployResponse, cancellationToken);

    /// <summary>Creates a deploy. Nothing changes anywhere before it is finalized.</summary>
    public Task<DeployResponse> CreateAsync(CreateDeployRequest deploy, CancellationToken cancellationToken = default) =>
        _api.PostAsync(_path, deploy, ApiJson.Default.CreateDeployRequest, ApiJson.Default.DeployResponse, cancellationToken);

    /// <summary>
    /// Uploads an archive (tar, gzip or zstd) to <see cref="DeployResponse.DagsUploadUrl"/> or <see cref="DeployResponse.BundleUploadUrl"/>
    /// while it is read; at most one block of it is in memory. Failures that may pass are tried again.
    /// </summary>
    /// <param name="address">The address; it is its own credential.</param>
    /// <param name="archive">The archive, from where it stands to its end. Not disposed.</param>
    /// <param name="progress">Hears how many bytes have been sent.</param>
    /// <param name="cancellationToken">Ends the upload.</param>
    /// <returns>The version, for the finalize.</returns>
    public Task<string> UploadAsync(string address, Stream archive, IProgress<long>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(address);
        ArgumentNullException.ThrowIfNull(archive);
        return new ArchiveUpload(_http, _uploads, address, progress).RunAsync(archive, cancellationToken);
    }

    /// <summary>Makes the deploy what should run. When this returns it will survive a power cut; repeating it changes nothing.</summary>
    public Task<DeployResponse> FinalizeAsync(string deployId, FinalizeDeployRequest versions, CancellationToken cancellationToken = default) =>
        _api.PostAsync(One(deployId) + "/finalize", versions, ApiJson.Default.FinalizeDeployRequest, ApiJson.Default.DeployResponse,
            cancellationToken);

    /// <summary>Changes the description.</summary>
    public Task<DeployResponse> UpdateAsync(string deployId, UpdateDeployRequest deploy, CancellationToken cancellationToken = default) =>
        _api.PostAsync(One(deployId), deploy, ApiJson.Default.UpdateDeployRequest, ApiJson.Default.DeployResponse, cancellationToken);

    /// <summary>Makes a new deploy with the contents of an earlier one.</summary>
    public Task<DeployResponse> RollBackAsync(string deployId, DeployRollbackRequest? rollback = null,
        CancellationToken cancellationToken = default) =>
        _api.PostAsync(One(deployId) + "/rollback", rollback ?? new DeployRollbackRequest(), ApiJson.Default.DeployRollbackRequest,
            ApiJson.Default.DeployResponse, cancellationToken);

    private string One(string deployId) => $"{_path}/{ApiConnection.Id(deployId)}";
}
