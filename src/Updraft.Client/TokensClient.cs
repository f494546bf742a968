using Updraft.Protocol.Api;

namespace Updraft.Client;

/// <summary>API tokens of an Organization, and the agent tokens of its Deployments. A token itself is only in the answer that
/// makes its secret.</summary>
public sealed class TokensClient
{
    private readonly ApiConnection _api;
    private readonly string _organization;

    internal TokensClient(ApiConnection api, string organizationId) =>
        (_api, _organization) = (api, $"/organizations/{ApiConnection.Id(organizationId)}");

    /// <summary>The API tokens that the caller may see.</summary>
    public IAsyncEnumerable<ApiTokenResponse> ListAsync(CancellationToken cancellationToken = default) =>
        _api.ListAsync($"{_organization}/tokens", ApiJson.Default.ApiTokensPaginated, page => page.Tokens, cancellationToken);

    /// <summary>One API token.</summary>
    public Task<ApiTokenResponse> GetAsync(string tokenId, CancellationToken cancellationToken = default) =>
        _api.GetAsync($"{_organization}/tokens/{ApiConnection.Id(tokenId)}", ApiJson.Default.ApiTokenResponse, cancellationToken);

    /// <summary>Creates an API token.</summary>
    public Task<ApiTokenResponse> CreateAsync(CreateApiTokenRequest token, CancellationToken cancellationToken = default) =>
        _api.PostAsync($"{_organization}/tokens", token, ApiJson.Default.CreateApiTokenRequest, ApiJson.Default.ApiTokenResponse,
            cancellationToken);

    /// <summary>Changes the name and the description.</summary>
    public Task<ApiTokenResponse> UpdateAsync(string tokenId, UpdateApiTokenRequest token, CancellationToken cancellationToken = default) =>
        _api.PostAsync($"{_organization}/tokens/{ApiConnection.Id(tokenId)}", token, ApiJson.Default.UpdateApiTokenRequest,
            ApiJson.Default.ApiTokenResponse, cancellationToken);

    /// <summary>Makes a new secret, which is in the answer; the old one is refused from then on.</summary>
    public Task<ApiTokenResponse> RotateAsync(string tokenId, CancellationToken cancellationToken = default) =>
        _api.PostAsync($"{_organization}/tokens/{ApiConnection.Id(tokenId)}/rotate", ApiJson.Default.ApiTokenResponse, cancellationToken);

    /// <summary>Replaces all roles; one of them must be for the place that the token belongs to.</summary>
    public Task<SubjectRolesResponse> UpdateRolesAsync(string tokenId, UpdateApiTokenRolesRequest roles,
        CancellationToken cancellationToken = default) =>
        _api.PostAsync($"{_organization}/tokens/{ApiConnection.Id(tokenId)}/roles", roles, ApiJson.Default.UpdateApiTokenRolesRequest,
            ApiJson.Default.SubjectRolesResponse, cancellationToken);

    /// <summary>Deletes an API token; it is refused from then on.</summary>
    public Task DeleteAsync(string tokenId, CancellationToken cancellationToken = default) =>
        _api.DeleteAsync($"{_organization}/tokens/{ApiConnection.Id(tokenId)}", cancellationToken);

    /// <summary>The agent tokens of a Deployment.</summary>
    public IAsyncEnumerable<ApiTokenResponse> ListForAgentsAsync(string deploymentId, CancellationToken cancellationToken = default) =>
        _api.ListAsync(Agents(deploymentId), ApiJson.Default.ApiTokensPaginated, page => page.Tokens, cancellationToken);

    /// <summary>Creates an agent token.</summary>
    public Task<ApiTokenResponse> CreateForAgentAsync(string deploymentId, CreateAgentTokenRequest token,
        CancellationToken cancellationToken = default) =>
        _api.PostAsync(Agents(deploymentId), token, ApiJson.Default.CreateAgentTokenRequest, ApiJson.Default.ApiTokenResponse, cancellationToken);

    /// <summary>Deletes an agent token.</summary>
    public Task DeleteForAgentAsync(string deploymentId, string tokenId, CancellationToken cancellationToken = default) =>
        _api.DeleteAsync($"{Agents(deploymentId)}/{ApiConnection.Id(tokenId)}", cancellationToken);

    private string Agents(string deploymentId) => $"{_organization}/deployments/{ApiConnection.Id(deploymentId)}/agent-tokens";
}
