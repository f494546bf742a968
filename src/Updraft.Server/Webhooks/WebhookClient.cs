using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Microsoft.Extensions.Options;

namespace Updraft.Server.Webhooks;

/// <summary>
/// Sends one attempt. The receiver is untrusted. The client follows no redirect, uses no proxy of the environment, and uses each connection
/// once. It has a time limit, and reads only the status of the response.
/// </summary>
internal sealed class WebhookClient : IDisposable
{
    /// <summary>Maximum number of bytes that the client reads of a response.</summary>
    private const int MaxResponseBytes = 64 * 1024;

    /// <summary>Errors of attempts. Clients read them in the API.</summary>
    public const string TimedOut = "TIMEOUT", RefusedAddress = "REFUSED_ADDRESS", Name = "NAME", Connection = "CONNECTION", Tls = "TLS";

    private readonly AddressGuard _guard;
    private readonly IOptions<WebhookOptions> _options;
    private readonly TimeProvider _clock;
    private readonly HttpMessageInvoker _http;

    public WebhookClient(AddressGuard guard, IOptions<WebhookOptions> options, TimeProvider clock)
    {
        (_guard, _options, _clock) = (guard, options, clock);
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            // A new connection for each attempt, so that the guard checks the IP address each time.
            PooledConnectionLifetime = TimeSpan.Zero,
            ConnectCallback = guard.ConnectAsync,
            MaxResponseHeadersLength = MaxResponseBytes / 1024,
            MaxResponseDrainSize = MaxResponseBytes,
            ResponseDrainTimeout = TimeSpan.FromSeconds(1),
            // The receiver must not get the IDs of the server's traces.
            ActivityHeadersPropagator = null,
        });
    }

    /// <param name="url">URL of the receiver.</param>
    /// <param name="eventId">ID of the event.</param>
    /// <param name="body">JSON.</param>
    /// <param name="secrets">The secrets that sign the request.</param>
    /// <param name="cancellationToken">The server stops. The result of the attempt is then unknown.</param>
    public async Task<WebhookAttempt> SendAsync(Uri url, string eventId, string body, IReadOnlyList<string> secrets,
        CancellationToken cancellationToken)
    {
        var (at, start) = (_clock.GetUtcNow(), _clock.GetTimestamp());
        if (_guard.FindProblem(url) is not null)
            return Attempt(null, RefusedAddress);
        // The system time, not the injected clock, so that a receiver that hangs cannot block the sender.
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_options.Value.Timeout);
        try
        {
            using var request = Request(url, eventId, at.ToUnixTimeSeconds(), body, secrets);
            using var response = await _http.SendAsync(request, limit.Token);
            return Attempt((int)response.StatusCode, null);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Attempt(null, TimedOut);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or SocketException)
        {
            return Attempt(null, Classify(exception));
        }

        WebhookAttempt Attempt(int? status, string? error) => new(at, status, error, (long)_clock.GetElapsedTime(start).TotalMilliseconds);
    }

    public void Dispose() => _http.Dispose();

    private static HttpRequestMessage Request(Uri url, string eventId, long timestamp, string body, IReadOnlyList<string> secrets)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.TryAddWithoutValidation("User-Agent", "Updraft-Webhooks/1");
        request.Headers.TryAddWithoutValidation("webhook-id", eventId);
        request.Headers.TryAddWithoutValidation("webhook-timestamp", timestamp.ToString(CultureInfo.InvariantCulture));
        request.Headers.TryAddWithoutValidation("webhook-signature", WebhookSecret.Sign(secrets, eventId, timestamp, body));
        return request;
    }

    private static string Classify(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case BlockedAddressException:
                    return RefusedAddress;
                case SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain }:
                    return Name;
                case AuthenticationException:
                    return Tls;
            }
        }
        return Connection;
    }
}
