using Updraft.Protocol.Api;
using Updraft.Server.Api;

namespace Updraft.Server.Images;

/// <summary>Writes errors in the shape of the Distribution API, which clients of the registry read.</summary>
internal static class RegistryRejection
{
    /// <param name="context">The request.</param>
    /// <param name="code">The error.</param>
    /// <param name="registryCode">A code of the Distribution API, e.g. <c>UNAUTHORIZED</c>.</param>
    /// <param name="message">The mistake and the next step.</param>
    public static Task WriteAsync(HttpContext context, ErrorCode code, string registryCode, string message) =>
        WriteAsync(context, code, code.StatusCode, registryCode, message);

    /// <summary>The same with another status than that of the code.</summary>
    public static Task WriteAsync(HttpContext context, ErrorCode code, int status, string registryCode, string message)
    {
        context.Response.StatusCode = status;
        context.Response.Headers[ErrorCode.Header] = code.Id;
        return context.Response.WriteAsJsonAsync(new RegistryErrors { Errors =
            [new RegistryError { Code = registryCode, Message = message }] },
            ApiJson.Default.RegistryErrors);
    }
}
