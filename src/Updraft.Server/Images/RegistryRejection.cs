using Updraft.Protocol.Api;

namespace Updraft.Server.Images;

/// <summary>Errors for the registry's clients, which read another form than those of the API.</summary>
internal static class RegistryRejection
{
    /// <summary>Answers with one error.</summary>
    /// <param name="context">The request.</param>
    /// <param name="status">HTTP status.</param>
    /// <param name="code">One of the codes of the Distribution API, e.g. <c>UNAUTHORIZED</c>.</param>
    /// <param name="message">What was wrong and what to do.</param>
    public static Task WriteAsync(HttpContext context, int status, string code, string message)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(new RegistryErrors { Errors = [new RegistryError { Code = code, Message = message }] },
            ApiJson.Default.RegistryErrors);
    }
}
