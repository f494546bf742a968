using System.Net.Sockets;
using System.Security.Authentication;

namespace Updraft.Agent;

/// <summary>The reason of an exception in words that an operator can act on. .NET often says only "see inner exception".</summary>
internal static class ErrorReason
{
    private const int NoSpace = 28, QuotaExceeded = 122;

    /// <summary>Message of an exception, with the innermost reason.</summary>
    public static string Of(Exception exception)
    {
        var chain = Chain(exception).ToList();
        if (chain.OfType<AuthenticationException>().FirstOrDefault() is { } tls)
            return Tls(chain[^1] is AuthenticationException ? tls.Message : $"{tls.Message} {chain[^1].Message}");
        var (outer, inner) = (chain[0].Message, chain[^1].Message);
        if (chain.OfType<SocketException>().Any(cause =>
            cause.SocketErrorCode is SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData))
            return $"The host name cannot be resolved: {outer}. Correct the URL, or the DNS settings of this host.";
        if (outer.Contains("inner exception", StringComparison.OrdinalIgnoreCase))
            return inner;
        return outer.Contains(inner, StringComparison.OrdinalIgnoreCase) ? outer : $"{outer.TrimEnd('.')}: {inner}";
    }

    /// <summary>Whether a disk or a quota is full.</summary>
    public static bool IsDiskFull(Exception exception) =>
        Chain(exception).Any(cause => cause is IOException { HResult: NoSpace or QuotaExceeded });

    private static string Tls(string text)
    {
        string[] advice =
        [
            .. Advice("NameMismatch", "The certificate is for another host name. Use the host name of the certificate in --server."),
            .. Advice("NotTimeValid", "The certificate has expired or is not valid yet. Renew it, or correct the clock of this host."),
            .. Advice("UntrustedRoot", "No trusted authority issued the certificate. Add the authority to the trusted certificates, "
                + "or name a file with it in SSL_CERT_FILE."),
            .. Advice("PartialChain", "The certificate's issuer is unknown. Add the issuer to the trusted certificates, "
                + "or name a file with it in SSL_CERT_FILE."),
            .. Advice("Revoked", "The certificate was revoked. Replace it."),
            .. Advice("frame", "The server does not speak TLS at this port. If its URL begins with http, use that in --server."),
        ];
        return $"The TLS connection failed: {text.TrimEnd('.')}. {string.Join(' ', advice)}".TrimEnd();

        IEnumerable<string> Advice(string sign, string sentence) =>
            text.Contains(sign, StringComparison.Ordinal) ? [sentence] : [];
    }

    /// <summary>An exception and its causes. A canceled task is no reason: it only says that the agent's own limit ended it.</summary>
    private static IEnumerable<Exception> Chain(Exception exception)
    {
        for (var cause = (Exception?)exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is not (OperationCanceledException or AggregateException) || ReferenceEquals(cause, exception))
                yield return cause;
        }
    }
}
