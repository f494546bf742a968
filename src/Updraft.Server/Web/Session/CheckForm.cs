using Microsoft.AspNetCore.Antiforgery;
using Updraft.Server.Api;

namespace Updraft.Server.Web;

/// <summary>Rejects a form unless a page of this server sent it, in the session to which the page was rendered.</summary>
internal sealed class CheckForm(IAntiforgery antiforgery) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var request = context.HttpContext.Request;
        if (HttpMethods.IsGet(request.Method))
            return await next(context);
        // Browsers set this header themselves; a script cannot change it. Old browsers do not send it.
        if (request.Headers["Sec-Fetch-Site"].ToString() is not ("" or "same-origin"))
        {
            throw new ApiException(WebErrors.CrossSiteForm,
                "Another site sent this form. Updraft changed nothing. Open the web UI and send the form there.");
        }
        if (!request.HasFormContentType || !await HasValidTokenAsync(context.HttpContext))
        {
            throw new ApiException(WebErrors.InvalidForm,
                "The form is too old, or it belongs to another session. Updraft changed nothing. "
                + "Go back, reload the page, and send the form again.");
        }
        return await next(context);
    }

    private async Task<bool> HasValidTokenAsync(HttpContext context)
    {
        try
        {
            return await antiforgery.IsRequestValidAsync(context);
        }
        catch (Exception exception) when (exception is AntiforgeryValidationException or InvalidDataException)
        {
            // The body is not a readable form.
            return false;
        }
    }
}
