from __future__ import annotations

from django.urls import path

from recs.api import holdings, moves, reading, records, resolving

urlpatterns = [
    path("rec/query", holdings.Query.as_view(), name="api-rec-query"),
    path("rec/holdings", holdings.Holdings.as_view(), name="api-rec-holdings"),
    path("rec/issue", moves.Issue.as_view(), name="api-rec-issue"),
    path("rec/receive", moves.Receive.as_view(), name="api-rec-receive"),
    path("rec/transfer", moves.Transfer.as_view(), name="api-rec-transfer"),
    path("rec/retire", moves.Retire.as_view(), name="api-rec-retire"),
    path("rec/reserve", moves.Reserve.as_view(), name="api-rec-reserve"),
    path("rec/export", moves.Export.as_view(), name="api-rec-export"),
    path("rec/reverse", moves.Reverse.as_view(), name="api-rec-reverse"),
    path("rec/bulk", moves.Bulk.as_view(), name="api-rec-bulk"),
    path("rec/transfers/<int:id>/accept", resolving.Accept.as_view(), name="api-rec-accept"),
    path("rec/transfers/<int:id>/reject", resolving.Reject.as_view(), name="api-rec-reject"),
    path("rec/transfers/<int:id>/cancel", resolving.Cancel.as_view(), name="api-rec-cancel"),
    path("rec/transfers/<int:id>/approve", resolving.Approve.as_view(), name="api-rec-approve"),
    path("rec/transfers/<int:id>/confirm", resolving.Confirm.as_view(), name="api-rec-confirm"),
    path("rec/transfers/<int:id>/refuse", resolving.Refuse.as_view(), name="api-rec-refuse"),
    path("rec/reserves/<int:id>/release", resolving.Release.as_view(), name="api-rec-release"),
    path("rec/commands", reading.Commands.as_view(), name="api-rec-commands"),
    path("rec/commands/<int:id>", reading.OneCommand.as_view(), name="api-rec-command"),
    path("rec/commands/<int:id>/instruction", reading.Instruction.as_view(), name="api-rec-instruction"),
    path("rec/batches/<int:id>/history", reading.History.as_view(), name="api-rec-history"),
    path("rec/accounts", records.Accounts.as_view(), name="api-rec-accounts"),
    path("rec/accounts/<int:id>", records.OneAccount.as_view(), name="api-rec-account"),
    path("rec/generators", records.Generators.as_view(), name="api-rec-generators"),
    path("rec/generators/<int:id>", records.OneGenerator.as_view(), name="api-rec-generator"),
    path("rec/registries", records.Registries.as_view(), name="api-rec-registries"),
]
