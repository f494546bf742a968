using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Microsoft.Extensions.Options;

namespace Updraft.Server.Webhooks;

/// <summary>
/// Sends one attempt. The receiver is taken for hostile: no redirect is followed, no proxy of the environment is asked, no connection is used twice,
/// the whole takes a limited time, and of the answer only the status counts.
/// </summary>
internal sealed class WebhookClient : IDisposable
{
    /// <summary>Most bytes that are read of an answer.</summary>
    private const int MaxAnswerBytes = 64 * 1024;

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
            // What a name leads to is looked up and checked each time.
            PooledConnectionLifetime = TimeSpan.Zero,
            ConnectCallback = guard.ConnectAsync,
            MaxResponseHeadersLength = MaxAnswerBytes / 1024,
            MaxResponseDrainSize = MaxAnswerBytes,
            ResponseDrainTimeout = TimeSpan.FromSeconds(1),
            // The ids of the server's own traces are nobody's business outside.
            ActivityHeadersPropagator = null,
        });
    }

    /// <summary>Sends a body.</summary>
    /// <param name="url">Where to.</param>
    /// <param name="eventId">The event's id.</param>
    /// <param name="body">JSON.</param>
    /// <param name="secrets">The secrets that sign.</param>
    /// <param name="cancellationToken">The server stops; nothing is known of the attempt then.</param>
    public async Task<WebhookAttempt> SendAsync(Uri url, string eventId, string body, IReadOnlyList<string> secrets, CancellationToken cancellationToken)
    {
        var (at, start) = (_clock.GetUtcNow(), _clock.GetTimestamp());
        if (_guard.Problem(url) is not null)
            return Attempt(null, RefusedAddress);
        // Real time, whatever the clock says: a receiver that hangs must not hold the sender.
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
            return Attempt(null, Why(exception));
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

    private static string Why(Exception exception)
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
