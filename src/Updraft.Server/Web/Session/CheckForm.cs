using Microsoft.AspNetCore.Antiforgery;
using Updraft.Server.Api;

namespace Updraft.Server.Web;

/// <summary>Lets a form through only when it was sent from a page of this server to the person who sends it.</summary>
internal sealed class CheckForm(IAntiforgery antiforgery) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var request = context.HttpContext.Request;
        if (HttpMethods.IsGet(request.Method))
            return await next(context);
        // Browsers say where a request comes from, and no script can change it.
        if (request.Headers["Sec-Fetch-Site"].ToString() is not ("" or "same-origin"))
            throw new ApiException(StatusCodes.Status403Forbidden, "The form was sent by another site, so nothing was done.");
        if (!request.HasFormContentType || !await IsOursAsync(context.HttpContext))
            throw ApiException.BadRequest("The form is not one of this page, or too old: nothing was done. Go back, load the page again and repeat it.");
        return await next(context);
    }

    private async Task<bool> IsOursAsync(HttpContext context)
    {
        try
        {
            return await antiforgery.IsRequestValidAsync(context);
        }
        catch (Exception exception) when (exception is AntiforgeryValidationException or InvalidDataException)
        {
            // A form that cannot be read.
            return false;
        }
    }
}
