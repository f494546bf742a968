using Updraft.Protocol.Api;

namespace Updraft.Client;

/// <summary>The bundles of one Deployment: its DAG bundles, and what is mounted beside them.</summary>
public sealed class BundlesClient
{
    private readonly ApiConnection _api;
    private readonly string _path;

    internal BundlesClient(ApiConnection api, string organizationId, string deploymentId)
    {
        _api = api;
        _path = $"/organizations/{ApiConnection.Id(organizationId)}/deployments/{ApiConnection.Id(deploymentId)}/bundles";
    }

    /// <summary>All bundles, oldest first.</summary>
    public IAsyncEnumerable<BundleResponse> ListAsync(CancellationToken cancellationToken = default) =>
        _api.ListAsync(_path, ApiJson.Default.BundlesPaginated, page => page.Bundles, cancellationToken);

    /// <summary>One bundle.</summary>
    public Task<BundleResponse> GetAsync(string bundleId, CancellationToken cancellationToken = default) =>
        _api.GetAsync(One(bundleId), ApiJson.Default.BundleResponse, cancellationToken);

    /// <summary>Creates a bundle; it is empty before the first deploy to it.</summary>
    public Task<BundleResponse> CreateAsync(CreateBundleRequest bundle, CancellationToken cancellationToken = default) =>
        _api.PostAsync(_path, bundle, ApiJson.Default.CreateBundleRequest, ApiJson.Default.BundleResponse, cancellationToken);

    /// <summary>Changes what the request names; the rest stays.</summary>
    public Task<BundleResponse> UpdateAsync(string bundleId, UpdateBundleRequest bundle, CancellationToken cancellationToken = default) =>
        _api.PostAsync(One(bundleId), bundle, ApiJson.Default.UpdateBundleRequest, ApiJson.Default.BundleResponse, cancellationToken);

    /// <summary>Deletes a bundle; agents stop mounting it.</summary>
    public Task DeleteAsync(string bundleId, CancellationToken cancellationToken = default) => _api.DeleteAsync(One(bundleId), cancellationToken);

    /// <summary>The versions that the bundle has had, newest first.</summary>
    public IAsyncEnumerable<BundleVersionResponse> ListVersionsAsync(string bundleId, CancellationToken cancellationToken = default) =>
        _api.ListAsync(One(bundleId) + "/versions", ApiJson.Default.BundleVersionsPaginated, page => page.Versions, cancellationToken);

    /// <summary>Goes back to a version that the bundle had before; nothing else of the Deployment moves.</summary>
    public Task<BundleResponse> RollBackAsync(string bundleId, BundleRollbackRequest rollback, CancellationToken cancellationToken = default) =>
        _api.PostAsync(One(bundleId) + "/rollback", rollback, ApiJson.Default.BundleRollbackRequest, ApiJson.Default.BundleResponse,
            cancellationToken);

    private string One(string bundleId) => $"{_path}/{ApiConnection.Id(bundleId)}";
}
