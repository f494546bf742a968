using System.Net.Http.Headers;
using Updraft.Protocol.Api;

namespace Updraft.Client;

/// <summary>
/// A client of the Updraft API, for one server and one token. It is safe for concurrent use. Each method throws
/// <see cref="UpdraftException"/> for an error response, and <see cref="HttpRequestException"/> if the server cannot be reached.
/// </summary>
public sealed class UpdraftClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly ApiConnection _api;
    private readonly UploadSettings _uploads;

    /// <summary>Creates a client. The constructor sends no request.</summary>
    /// <param name="server">URL of the server, such as <c>https://updraft.example.org</c>.</param>
    /// <param name="token">An API token.</param>
    /// <param name="uploads">Settings of uploads; null for the defaults.</param>
    /// <param name="handler">
    /// Handler for proxies and tests, which the caller disposes. By default the client creates one that follows no redirects.
    /// </param>
    public UpdraftClient(Uri server, string token, UploadSettings? uploads = null, HttpMessageHandler? handler = null)
    {
        ArgumentNullException.ThrowIfNull(server);
        ArgumentException.ThrowIfNullOrWhiteSpace(token);
        _uploads = uploads ?? new UploadSettings();
        // There is no time limit, because an upload can take long, and callers pass a cancellation token. The client follows no redirect,
        // because that could send the token to another server.
        _http = handler is null
            ? new HttpClient(new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                ConnectTimeout = TimeSpan.FromSeconds(15),
                UseCookies = false,
            })
            : new HttpClient(handler, disposeHandler: false);
        _http.Timeout = Timeout.InfiniteTimeSpan;
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("updraft-client",
            typeof(UpdraftClient).Assembly.GetName().Version?.ToString(3)));
        _api = new ApiConnection(_http, server, token.Trim());
    }

    /// <summary>Returns a client for the deploys of a Deployment.</summary>
    public DeploysClient Deploys(string organizationId, string deploymentId) => new(_api, _http, _uploads, organizationId, deploymentId);

    /// <summary>Returns a client for the bundles of a Deployment.</summary>
    public BundlesClient Bundles(string organizationId, string deploymentId) => new(_api, organizationId, deploymentId);

    /// <summary>Returns a client for API tokens, and for the agent tokens of Deployments.</summary>
    public TokensClient Tokens(string organizationId) => new(_api, organizationId);

    /// <summary>Lists the Organizations of the token. There is exactly one.</summary>
    public IAsyncEnumerable<OrganizationResponse> ListOrganizationsAsync(CancellationToken cancellationToken = default) =>
        _api.ListAsync("/organizations", ApiJson.Default.OrganizationsPaginated, page => page.Organizations, cancellationToken);

    /// <summary>Reads one Organization.</summary>
    public Task<OrganizationResponse> GetOrganizationAsync(string organizationId, CancellationToken cancellationToken = default) =>
        _api.GetAsync(Organization(organizationId), ApiJson.Default.OrganizationResponse, cancellationToken);

    /// <summary>Lists the Workspaces that the token can see.</summary>
    public IAsyncEnumerable<WorkspaceResponse> ListWorkspacesAsync(string organizationId, CancellationToken cancellationToken = default) =>
        _api.ListAsync(Workspaces(organizationId), ApiJson.Default.WorkspacesPaginated, page => page.Workspaces, cancellationToken);

    /// <summary>Reads one Workspace.</summary>
    public Task<WorkspaceResponse> GetWorkspaceAsync(string organizationId, string workspaceId,
        CancellationToken cancellationToken = default) => _api.GetAsync(
            $"{Workspaces(organizationId)}/{ApiConnection.Id(workspaceId)}", ApiJson.Default.WorkspaceResponse, cancellationToken);

    /// <summary>Creates a Workspace.</summary>
    public Task<WorkspaceResponse> CreateWorkspaceAsync(string organizationId, CreateWorkspaceRequest workspace,
        CancellationToken cancellationToken = default) =>
        _api.PostAsync(Workspaces(organizationId), workspace, ApiJson.Default.CreateWorkspaceRequest, ApiJson.Default.WorkspaceResponse,
            cancellationToken);

    /// <summary>Lists the Deployments that the token can see.</summary>
    public IAsyncEnumerable<DeploymentResponse> ListDeploymentsAsync(string organizationId,
        CancellationToken cancellationToken = default) =>
        _api.ListAsync(Deployments(organizationId), ApiJson.Default.DeploymentsPaginated, page => page.Deployments, cancellationToken);

    /// <summary>Reads one Deployment with its desired state and its live state.</summary>
    public Task<DeploymentResponse> GetDeploymentAsync(string organizationId, string deploymentId,
        CancellationToken cancellationToken = default) =>
        _api.GetAsync(Deployment(organizationId, deploymentId), ApiJson.Default.DeploymentResponse, cancellationToken);

    /// <summary>Creates a Deployment.</summary>
    public Task<DeploymentResponse> CreateDeploymentAsync(string organizationId, CreateDeploymentRequest deployment,
        CancellationToken cancellationToken = default) =>
        _api.PostAsync(Deployments(organizationId), deployment, ApiJson.Default.CreateDeploymentRequest, ApiJson.Default.DeploymentResponse,
            cancellationToken);

    /// <summary>Replaces all settings of a Deployment. Absent optional fields return to their default.</summary>
    public Task<DeploymentResponse> UpdateDeploymentAsync(string organizationId, string deploymentId, UpdateDeploymentRequest deployment,
        CancellationToken cancellationToken = default) =>
        _api.PostAsync(Deployment(organizationId, deploymentId), deployment, ApiJson.Default.UpdateDeploymentRequest,
            ApiJson.Default.DeploymentResponse, cancellationToken);

    /// <summary>Deletes a Deployment.</summary>
    public Task DeleteDeploymentAsync(string organizationId, string deploymentId, CancellationToken cancellationToken = default) =>
        _api.DeleteAsync(Deployment(organizationId, deploymentId), cancellationToken);

    /// <summary>Sets the hibernation override of a Deployment in development mode.</summary>
    public Task<DeploymentHibernationOverride> OverrideHibernationAsync(string organizationId, string deploymentId,
        OverrideDeploymentHibernationRequest hibernation, CancellationToken cancellationToken = default) =>
        _api.PostAsync(Deployment(organizationId, deploymentId) + "/hibernation-override", hibernation,
            ApiJson.Default.OverrideDeploymentHibernationRequest, ApiJson.Default.DeploymentHibernationOverride, cancellationToken);

    /// <summary>Removes the hibernation override of a Deployment.</summary>
    public Task DeleteHibernationOverrideAsync(string organizationId, string deploymentId, CancellationToken cancellationToken = default) =>
        _api.DeleteAsync(Deployment(organizationId, deploymentId) + "/hibernation-override", cancellationToken);

    /// <summary>Closes the connections to the server.</summary>
    public void Dispose() => _http.Dispose();

    private static string Organization(string organizationId) => $"/organizations/{ApiConnection.Id(organizationId)}";

    private static string Workspaces(string organizationId) => Organization(organizationId) + "/workspaces";

    private static string Deployments(string organizationId) => Organization(organizationId) + "/deployments";

    private static string Deployment(string organizationId, string deploymentId) =>
        $"{Deployments(organizationId)}/{ApiConnection.Id(deploymentId)}";
}
