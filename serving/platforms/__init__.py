"""The platforms' own shapes: what they send, what they are answered, and what is written back to them.

settings         secrets, addresses and words, from the environment
signatures       who sent it: HubSpot, Segment and RudderStack, Mautic
doors            who may come in by a platform's path: a key, a signature, or both
reading          cells of foreign messages made moments, numbers and texts
spec             messages of Segment and RudderStack as items
mautic           webhooks of Mautic as items
mautic_fields    one entry of such a webhook
mautic_campaign  a campaign of Mautic that asks for a score
cloud_events     CloudEvents as items
hubspot          HubSpot's workflow action: what it asks, what it is answered
marketo          Marketo's flow step and webhook: likewise
marketo_service  what Marketo reads when the flow step is installed
marketo_schemas  its paths and schemas
flat             bodies for form builders, one level deep
openapi30        our OpenAPI document as 3.0.3 without unions
asking           scores of stored leads, for all of these
callbacks        answers that a platform waits for
writeback        crossings written back, in each platform's shape
tokens           the credentials of such calls
routes           all of these over HTTP, one module for each platform
"""
