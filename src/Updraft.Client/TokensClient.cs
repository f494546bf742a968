using Updraft.Protocol.Api;

namespace Updraft.Client;

/// <summary>
/// API tokens of an Organization, and agent tokens of its Deployments. Only responses that create or rotate a token contain its secret.
/// </summary>
public sealed class TokensClient
{
    private readonly ApiConnection _api;
    private readonly string _organization;

    internal TokensClient(ApiConnection api, string organizationId) =>
        (_api, _organization) = (api, $"/organizations/{ApiConnection.Id(organizationId)}");

    /// <summary>Lists the API tokens that the caller can see.</summary>
    public IAsyncEnumerable<ApiTokenResponse> ListAsync(CancellationToken cancellationToken = default) =>
        _api.ListAsync($"{_organization}/tokens", ApiJson.Default.ApiTokensPaginated, page => page.Tokens, cancellationToken);

    /// <summary>Reads one API token.</summary>
    public Task<ApiTokenResponse> GetAsync(string tokenId, CancellationToken cancellationToken = default) =>
        _api.GetAsync($"{_organization}/tokens/{ApiConnection.Id(tokenId)}", ApiJson.Default.ApiTokenResponse, cancellationToken);

    /// <summary>Creates an API token. The response contains its secret.</summary>
    public Task<ApiTokenResponse> CreateAsync(CreateApiTokenRequest token, CancellationToken cancellationToken = default) =>
        _api.PostAsync($"{_organization}/tokens", token, ApiJson.Default.CreateApiTokenRequest, ApiJson.Default.ApiTokenResponse,
            cancellationToken);

    /// <summary>Changes the name and the description.</summary>
    public Task<ApiTokenResponse> UpdateAsync(string tokenId, UpdateApiTokenRequest token, CancellationToken cancellationToken = default) =>
        _api.PostAsync($"{_organization}/tokens/{ApiConnection.Id(tokenId)}", token, ApiJson.Default.UpdateApiTokenRequest,
            ApiJson.Default.ApiTokenResponse, cancellationToken);

    /// <summary>Creates a new secret, which the response contains. The old secret stops working.</summary>
    public Task<ApiTokenResponse> RotateAsync(string tokenId, CancellationToken cancellationToken = default) =>
        _api.PostAsync($"{_organization}/tokens/{ApiConnection.Id(tokenId)}/rotate", ApiJson.Default.ApiTokenResponse, cancellationToken);

    /// <summary>Replaces all roles. One of them must be for the object to which the token belongs.</summary>
    public Task<SubjectRolesResponse> UpdateRolesAsync(string tokenId, UpdateApiTokenRolesRequest roles,
        CancellationToken cancellationToken = default) =>
        _api.PostAsync($"{_organization}/tokens/{ApiConnection.Id(tokenId)}/roles", roles, ApiJson.Default.UpdateApiTokenRolesRequest,
            ApiJson.Default.SubjectRolesResponse, cancellationToken);

    /// <summary>Deletes an API token. It stops working on the next request.</summary>
    public Task DeleteAsync(string tokenId, CancellationToken cancellationToken = default) =>
        _api.DeleteAsync($"{_organization}/tokens/{ApiConnection.Id(tokenId)}", cancellationToken);

    /// <summary>Lists the agent tokens of a Deployment.</summary>
    public IAsyncEnumerable<ApiTokenResponse> ListForAgentsAsync(string deploymentId, CancellationToken cancellationToken = default) =>
        _api.ListAsync(Agents(deploymentId), ApiJson.Default.ApiTokensPaginated, page => page.Tokens, cancellationToken);

    /// <summary>Creates an agent token. The response contains its secret.</summary>
    public Task<ApiTokenResponse> CreateForAgentAsync(string deploymentId, CreateAgentTokenRequest token,
        CancellationToken cancellationToken = default) =>
        _api.PostAsync(Agents(deploymentId), token, ApiJson.Default.CreateAgentTokenRequest, ApiJson.Default.ApiTokenResponse,
            cancellationToken);

    /// <summary>Deletes an agent token. It stops working on the next request.</summary>
    public Task DeleteForAgentAsync(string deploymentId, string tokenId, CancellationToken cancellationToken = default) =>
        _api.DeleteAsync($"{Agents(deploymentId)}/{ApiConnection.Id(tokenId)}", cancellationToken);

    private string Agents(string deploymentId) => $"{_organization}/deployments/{ApiConnection.Id(deploymentId)}/agent-tokens";
}
