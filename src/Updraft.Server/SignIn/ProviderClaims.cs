using System.Security.Claims;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Tokens;
using Updraft.Server.Users;

namespace Updraft.Server.SignIn;

/// <summary>
/// Asks the identity provider again for the claims of a signed-in user, and evaluates them as at the sign-in. If the provider ended the
/// session of the user, all sessions and logins here end too. An unreachable provider changes nothing: then the idle and absolute ends of
/// sessions are the limits. It needs a refresh token, which providers issue for the scope <c>offline_access</c>.
/// </summary>
internal sealed partial class ProviderClaims(UpdraftDbContext db, IDataProtectionProvider protection, IOptions<SignInOptions> options,
    IOptionsMonitor<OpenIdConnectOptions> providers, SignInUser signInUser, TokenCache cache, TimeProvider clock, EventLog events,
    ILogger<ProviderClaims> logger)
{
    public const string OfflineAccess = "offline_access";

    /// <summary>
    /// Requests of one user within this time use the same claims. A provider may reject a refresh token that two requests use at once.
    /// </summary>
    public static readonly TimeSpan MinInterval = TimeSpan.FromMinutes(1);

    // Pages wait for the provider, so the limit is short.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly IDataProtector _protector = protection.CreateProtector("Updraft.SignIn.ProviderSession");

    /// <summary>Stores the refresh token of a sign-in.</summary>
    public async Task SaveAsync(UserId id, string refreshToken, CancellationToken cancellationToken)
    {
        var (text, now) = (_protector.Protect(refreshToken), clock.GetUtcNow());
        await using var write = await db.BeginWriteAsync(cancellationToken);
        if (await db.ProviderSessions.SingleOrDefaultAsync(row => row.UserId == id, cancellationToken) is { } known)
            (known.RefreshToken, known.CheckedAt) = (text, now);
        else
            db.ProviderSessions.Add(new ProviderSession { UserId = id, RefreshToken = text, CheckedAt = now });
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }

    /// <summary>Evaluates the claims of a user if they are older than an interval.</summary>
    /// <returns>False if the provider ended the session of the user, so all sessions here ended.</returns>
    public async Task<bool> CheckAsync(UserId id, TimeSpan interval, CancellationToken cancellationToken)
    {
        if (!options.Value.IsConfigured || await ClaimTurnAsync(id, interval, cancellationToken) is not { } refreshToken)
            return true;
        var provider = providers.Get(OpenIdConnectDefaults.AuthenticationScheme);
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(Patience);
            if (await RefreshAsync(provider, id, refreshToken, limit.Token) is { } claims)
                return await EvaluateAsync(id, claims, cancellationToken);
            await EndAsync(id, cancellationToken);
            return false;
        }
        catch (Exception exception) when (exception is HttpRequestException or JsonException or InvalidOperationException or IOException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            LogUnavailable(exception.Message);
            return true;
        }
    }

    /// <summary>The refresh token, if the claims are too old and no other request asks for them.</summary>
    private async Task<string?> ClaimTurnAsync(UserId id, TimeSpan interval, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var oldest = now - interval;
        if (await db.ProviderSessions.AsNoTracking().SingleOrDefaultAsync(row => row.UserId == id && row.CheckedAt <= oldest,
            cancellationToken) is not { } session)
            return null;
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var claimed = await db.ProviderSessions.Where(row => row.UserId == id && row.CheckedAt <= oldest)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.CheckedAt, now), cancellationToken);
        await write.CommitAsync(cancellationToken);
        try
        {
            return claimed == 0 ? null : _protector.Unprotect(session.RefreshToken);
        }
        catch (CryptographicException exception)
        {
            // The keys are from another data directory. The user signs in again at the absolute end.
            LogUnavailable(exception.Message);
            return null;
        }
    }

    /// <summary>The claims of now; null if the provider rejects the refresh token.</summary>
    /// <exception cref="HttpRequestException">The provider is unavailable.</exception>
    private async Task<IReadOnlyCollection<Claim>?> RefreshAsync(OpenIdConnectOptions provider, UserId id, string refreshToken,
        CancellationToken cancellationToken)
    {
        var metadata = await provider.ConfigurationManager!.GetConfigurationAsync(cancellationToken);
        using var form = new FormUrlEncodedContent(
            [
                new("grant_type", "refresh_token"), new("refresh_token", refreshToken), new("client_id", provider.ClientId!),
                .. provider.ClientSecret is { Length: > 0 } secret ? [KeyValuePair.Create("client_secret", secret)]
                    : (KeyValuePair<string, string>[])[],
            ]);
        using var response = await provider.Backchannel.PostAsync(metadata.TokenEndpoint, form, cancellationToken);
        var message = new OpenIdConnectMessage(await response.Content.ReadAsStringAsync(cancellationToken));
        if (message.Error == "invalid_grant")
            return null;
        if (!response.IsSuccessStatusCode)
            throw new HttpRequestException($"the provider responds with status {(int)response.StatusCode} {message.Error}");
        if (message.RefreshToken is { Length: > 0 } next && next != refreshToken)
            await ReplaceAsync(id, next, cancellationToken);
        var identity = new ClaimsIdentity();
        if (message.IdToken is { Length: > 0 } idToken)
            identity.AddClaims(await ReadIdTokenAsync(provider, metadata, idToken));
        if (message.AccessToken is { Length: > 0 } access && metadata.UserInfoEndpoint is { Length: > 0 } address)
            await AddUserInfoAsync(provider, address, access, identity, cancellationToken);
        return [.. identity.Claims];
    }

    private async Task ReplaceAsync(UserId id, string refreshToken, CancellationToken cancellationToken)
    {
        var text = _protector.Protect(refreshToken);
        await using var write = await db.BeginWriteAsync(cancellationToken);
        await db.ProviderSessions.Where(row => row.UserId == id)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.RefreshToken, text), cancellationToken);
        await write.CommitAsync(cancellationToken);
    }

    private static async Task<IEnumerable<Claim>> ReadIdTokenAsync(OpenIdConnectOptions provider, OpenIdConnectConfiguration metadata,
        string idToken)
    {
        var parameters = provider.TokenValidationParameters.Clone();
        (parameters.ValidIssuer, parameters.IssuerSigningKeys) = (metadata.Issuer, metadata.SigningKeys);
        var result = await provider.TokenHandler.ValidateTokenAsync(idToken, parameters);
        return result.IsValid ? result.ClaimsIdentity.Claims
            : throw new InvalidOperationException($"the provider's ID token is not valid: {result.Exception?.GetType().Name}");
    }

    private static async Task AddUserInfoAsync(OpenIdConnectOptions provider, string address, string accessToken, ClaimsIdentity identity,
        CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Authorization = new("Bearer", accessToken);
        using var response = await provider.Backchannel.SendAsync(request, cancellationToken);
        response.EnsureSuccessStatusCode();
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var user = await JsonDocument.ParseAsync(body, cancellationToken: cancellationToken);
        foreach (var action in provider.ClaimActions)
            action.Run(user.RootElement, identity, provider.ClaimsIssuer ?? provider.Authority!);
    }

    private async Task<bool> EvaluateAsync(UserId id, IReadOnlyCollection<Claim> claims, CancellationToken cancellationToken)
    {
        var user = await db.Users.AsNoTracking().SingleAsync(row => row.Id == id, cancellationToken);
        // Both sources of claims name the user. Claims of another user change nothing here.
        if (!claims.Any(claim => claim.Type == "sub") || claims.Any(claim => claim.Type == "sub" && claim.Value != user.ExternalId))
            throw new InvalidOperationException("the provider's claims are not those of the user");
        try
        {
            await signInUser.RunAsync(user.Issuer, claims, cancellationToken);
            return true;
        }
        catch (ApiException exception)
        {
            LogUnavailable(exception.Message);
            return true;
        }
    }

    private async Task EndAsync(UserId id, CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var user = await db.Users.AsNoTracking().SingleAsync(row => row.Id == id, cancellationToken);
        await db.EndSessionsAsync(id, clock.GetUtcNow(), cancellationToken);
        events.RecordSession(EventTypes.SessionEnded, user.ToSubject(), SessionEvents.Provider, "the identity provider ended the session");
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        cache.Forget();
    }

    [LoggerMessage(EventId = 1, Level = LogLevel.Warning, EventName = "provider_claims_unavailable",
        Message = "The claims of a user were not read from the identity provider again: {Reason}. The user keeps their roles, and "
            + "Updraft tries again later.")]
    private partial void LogUnavailable(string reason);
}
