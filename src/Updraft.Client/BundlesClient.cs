using Updraft.Protocol.Api;

namespace Updraft.Client;

/// <summary>The DAG bundles and other bundles of one Deployment.</summary>
public sealed class BundlesClient
{
    private readonly ApiConnection _api;
    private readonly string _path;

    internal BundlesClient(ApiConnection api, string organizationId, string deploymentId)
    {
        _api = api;
        _path = $"/organizations/{ApiConnection.Id(organizationId)}/deployments/{ApiConnection.Id(deploymentId)}/bundles";
    }

    /// <summary>Lists all bundles, oldest first.</summary>
    public IAsyncEnumerable<BundleResponse> ListAsync(CancellationToken cancellationToken = default) =>
        _api.ListAsync(_path, ApiJson.Default.BundlesPaginated, page => page.Bundles, cancellationToken);

    /// <summary>Reads one bundle.</summary>
    public Task<BundleResponse> GetAsync(string bundleId, CancellationToken cancellationToken = default) =>
        _api.GetAsync(One(bundleId), ApiJson.Default.BundleResponse, cancellationToken);

    /// <summary>Creates a bundle. It is empty before its first deploy.</summary>
    public Task<BundleResponse> CreateAsync(CreateBundleRequest bundle, CancellationToken cancellationToken = default) =>
        _api.PostAsync(_path, bundle, ApiJson.Default.CreateBundleRequest, ApiJson.Default.BundleResponse, cancellationToken);

    /// <summary>Changes the fields that the request contains. Other fields keep their value.</summary>
    public Task<BundleResponse> UpdateAsync(string bundleId, UpdateBundleRequest bundle, CancellationToken cancellationToken = default) =>
        _api.PostAsync(One(bundleId), bundle, ApiJson.Default.UpdateBundleRequest, ApiJson.Default.BundleResponse, cancellationToken);

    /// <summary>Deletes a bundle. Agents then remove its mount.</summary>
    public Task DeleteAsync(string bundleId, CancellationToken cancellationToken = default) =>
        _api.DeleteAsync(One(bundleId), cancellationToken);

    /// <summary>Lists the history of a bundle, newest first.</summary>
    public IAsyncEnumerable<BundleVersionResponse> ListVersionsAsync(string bundleId, CancellationToken cancellationToken = default) =>
        _api.ListAsync(One(bundleId) + "/versions", ApiJson.Default.BundleVersionsPaginated, page => page.Versions, cancellationToken);

    /// <summary>Rolls a bundle back to an earlier version. The image and other bundles stay.</summary>
    public Task<BundleResponse> RollBackAsync(string bundleId, BundleRollbackRequest rollback,
        CancellationToken cancellationToken = default) =>
        _api.PostAsync(One(bundleId) + "/rollback", rollback, ApiJson.Default.BundleRollbackRequest, ApiJson.Default.BundleResponse,
            cancellationToken);

    private string One(string bundleId) => $"{_path}/{ApiConnection.Id(bundleId)}";
}
