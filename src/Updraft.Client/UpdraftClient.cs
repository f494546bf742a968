using System.Net.Http.Headers;
using Updraft.Protocol.Api;

namespace Updraft.Client;

/// <summary>
/// A client of the Updraft API, for one server and one token. Safe for use by many threads at once. Every method throws
/// <see cref="UpdraftException"/> when the server refuses, and <see cref="HttpRequestException"/> when it cannot be reached.
/// </summary>
public sealed class UpdraftClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly ApiConnection _api;
    private readonly UploadSettings _uploads;

    /// <summary>Makes a client; nothing is sent yet.</summary>
    /// <param name="server">Address of the server, e.g. <c>https://updraft.example.org</c>.</param>
    /// <param name="token">An API token.</param>
    /// <param name="uploads">How archives are uploaded.</param>
    /// <param name="handler">Sends the requests, for proxies and tests; not disposed with the client. Its own by default.</param>
    public UpdraftClient(Uri server, string token, UploadSettings? uploads = null, HttpMessageHandler? handler = null)
    {
        ArgumentNullException.ThrowIfNull(server);
        ArgumentException.ThrowIfNullOrWhiteSpace(token);
        _uploads = uploads ?? new UploadSettings();
        // No time limit of its own: an upload takes as long as it takes, and callers bring a cancellation token. Nothing is followed
        // elsewhere, so that the token stays with the server that it is for.
        _http = handler is null
            ? new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(15), UseCookies = false })
            : new HttpClient(handler, disposeHandler: false);
        _http.Timeout = Timeout.InfiniteTimeSpan;
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("updraft-client",
            typeof(UpdraftClient).Assembly.GetName().Version?.ToString(3)));
        _api = new ApiConnection(_http, server, token.Trim());
    }

    /// <summary>The deploys of a Deployment.</summary>
    public DeploysClient Deploys(string organizationId, string deploymentId) => new(_api, _http, _uploads, organizationId, deploymentId);

    /// <summary>The bundles of a Deployment.</summary>
    public BundlesClient Bundles(string organizationId, string deploymentId) => new(_api, organizationId, deploymentId);

    /// <summary>API tokens, and the agent tokens of Deployments.</summary>
    public TokensClient Tokens(string organizationId) => new(_api, organizationId);

    /// <summary>The Organizations of the token's owner.</summary>
    public IAsyncEnumerable<OrganizationResponse> ListOrganizationsAsync(CancellationToken cancellationToken = default) =>
        _api.ListAsync("/organizations", ApiJson.Default.OrganizationsPaginated, page => page.Organizations, cancellationToken);

    /// <summary>One Organization.</summary>
    public Task<OrganizationResponse> GetOrganizationAsync(string organizationId, CancellationToken cancellationToken = default) =>
        _api.GetAsync(Organization(organizationId), ApiJson.Default.OrganizationResponse, cancellationToken);

    /// <summary>The Workspaces that the token may see.</summary>
    public IAsyncEnumerable<WorkspaceResponse> ListWorkspacesAsync(string organizationId, CancellationToken cancellationToken = default) =>
        _api.ListAsync(Workspaces(organizationId), ApiJson.Default.WorkspacesPaginated, page => page.Workspaces, cancellationToken);

    /// <summary>One Workspace.</summary>
    public Task<WorkspaceResponse> GetWorkspaceAsync(string organizationId, string workspaceId, CancellationToken cancellationToken = default) =>
        _api.GetAsync($"{Workspaces(organizationId)}/{ApiConnection.Id(workspaceId)}", ApiJson.Default.WorkspaceResponse, cancellationToken);

    /// <summary>Creates a Workspace.</summary>
    public Task<WorkspaceResponse> CreateWorkspaceAsync(string organizationId, CreateWorkspaceRequest workspace,
        CancellationToken cancellationToken = default) =>
        _api.PostAsync(Workspaces(organizationId), workspace, ApiJson.Default.CreateWorkspaceRequest, ApiJson.Default.WorkspaceResponse,
            cancellationToken);

    /// <summary>The Deployments that the token may see.</summary>
    public IAsyncEnumerable<DeploymentResponse> ListDeploymentsAsync(string organizationId, CancellationToken cancellationToken = default) =>
        _api.ListAsync(Deployments(organizationId), ApiJson.Default.DeploymentsPaginated, page => page.Deployments, cancellationToken);

    /// <summary>One Deployment: what runs there and what should.</summary>
    public Task<DeploymentResponse> GetDeploymentAsync(string organizationId, string deploymentId, CancellationToken cancellationToken = default) =>
        _api.GetAsync(Deployment(organizationId, deploymentId), ApiJson.Default.DeploymentResponse, cancellationToken);

    /// <summary>Creates a Deployment.</summary>
    public Task<DeploymentResponse> CreateDeploymentAsync(string organizationId, CreateDeploymentRequest deployment,
        CancellationToken cancellationToken = default) =>
        _api.PostAsync(Deployments(organizationId), deployment, ApiJson.Default.CreateDeploymentRequest, ApiJson.Default.DeploymentResponse,
            cancellationToken);

    /// <summary>Replaces all settings of a Deployment.</summary>
    public Task<DeploymentResponse> UpdateDeploymentAsync(string organizationId, string deploymentId, UpdateDeploymentRequest deployment,
        CancellationToken cancellationToken = default) =>
        _api.PostAsync(Deployment(organizationId, deploymentId), deployment, ApiJson.Default.UpdateDeploymentRequest,
            ApiJson.Default.DeploymentResponse, cancellationToken);

    /// <summary>Deletes a Deployment.</summary>
    public Task DeleteDeploymentAsync(string organizationId, string deploymentId, CancellationToken cancellationToken = default) =>
        _api.DeleteAsync(Deployment(organizationId, deploymentId), cancellationToken);

    /// <summary>Sends a Deployment in development mode to sleep or wakes it, whatever its schedules say.</summary>
    public Task<DeploymentHibernationOverride> OverrideHibernationAsync(string organizationId, string deploymentId,
        OverrideDeploymentHibernationRequest decision, CancellationToken cancellationToken = default) =>
        _api.PostAsync(Deployment(organizationId, deploymentId) + "/hibernation-override", decision,
            ApiJson.Default.OverrideDeploymentHibernationRequest, ApiJson.Default.DeploymentHibernationOverride, cancellationToken);

    /// <summary>Takes that back: the schedules decide again.</summary>
    public Task DeleteHibernationOverrideAsync(string organizationId, string deploymentId, CancellationToken cancellationToken = default) =>
        _api.DeleteAsync(Deployment(organizationId, deploymentId) + "/hibernation-override", cancellationToken);

    /// <summary>Closes the connections.</summary>
    public void Dispose() => _http.Dispose();

    private static string Organization(string organizationId) => $"/organizations/{ApiConnection.Id(organizationId)}";

    private static string Workspaces(string organizationId) => Organization(organizationId) + "/workspaces";

    private static string Deployments(string organizationId) => Organization(organizationId) + "/deployments";

    private static string Deployment(string organizationId, string deploymentId) =>
        $"{Deployments(organizationId)}/{ApiConnection.Id(deploymentId)}";
}
