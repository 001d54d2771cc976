"""Words for the statements of a refusal about its subjects: refused, unknown, full, later. Pure.

The notation is that of :mod:`exporter.diagnosis.replies.concepts.lexicon`.
"""

from __future__ import annotations

from typing import Final

STATEMENTS: Final = {
    "NOT": (
        "管理外 対象外 管轄外 nichts rien nada niente nulla nic niets ничего 何も nothing not no never neither nor"
        " none nicht kein keine keinen keiner keinem nie pas ne aucun aucune non nao ni nem niet geen не нет нельзя"
        " ikke inte"
        " değil degil yok hayir hicbir ej icke ingen inget inga ikkje intet nem nincs nu fara nici neni není nejsou"
        " nelze žádn* zadn* ні немає tidak bukan belum khong không ei eivät"
        " 不负责 不負責 不托管 不属于 不處理 不处理"
    ),
    "WITHOUT": (
        "without lacks lack lacking missing absent ohne fehlt fehlende* sans manque manquant* sin falta sem senza"
        " manca mancante bez brak zonder ontbreekt без отсутств* 没有 缺少 缺乏 无 なし ない 없는 없습니다"
    ),
    "ONLY": (
        "nobody_else no_one_else reserv* riservat* only solely exclusively except unless nur ausschliesslich"
        " seulement uniquement solo solamente unicamente apenas somente soltanto tylko wylacznie alleen slechts"
        " только лишь 仅 仅限 只 のみ だけ 만"
    ),
    "REFUSED": (
        "restring* restreint* ristret* eingeschränk* ogranicz* ограничен* restrict* turned_back banished revoked"
        " dropped 限制访问 被限制 keep_out stay_out stripped hate hates dislike distrust distrusted refuse*"
        " refusal deny denied denies denying denial reject* block blocked blocks blocking prohibit* forbid*"
        " forbidden disallow* ban banned bans barred unwelcome unwilling decline declined declines unauthori*"
        " go_away get_lost begone shun* firewalled unacceptable not_ok turned_away"
        " shut_out kept_out need_not_apply excluded veto vetoed quarantined stop_sending stay_away dislikes"
        " dislodge blackholed abgelehnt ablehn* lehn* verweiger* gesperrt gesperrte* sperr* blockier* geblockt"
        " verboten untersagt abgewiesen unerwünscht zurückgewiesen abgewehrt refus* interdi* bloque bloques"
        " bloquee bloquees rejet* indesirable banni* denegad* rechaz* bloquead* prohibid* negad* recus* rejeit*"
        " proibid* rifiut* negato bloccat* vietat* respint* odrzuc* zabron* zablokow* odmow* odmaw* geweiger*"
        " weiger* geblokkeerd verboden afgewezen ongewenst отказ* отклон* запрещ* заблокир* блокир* отверг* 拒绝"
        " 拒絕 拒收 拒信 被拒 退信 屏蔽 封禁 封锁 禁止 阻止 拦截 不允许 不接受 不被接受 未授权 拒否 却下 ブロック"
        " 受け付けません 受信しません 受け取れません 許可されて 遮断 거부 차단 금지 허용되지"
        " reddedildi reddedilmistir engellendi engellenmistir engelli yasak yasakland* izin_verilmiyor"
        " kabul_edilmiyor kabul_edilmez avvisad* avvist* avvises nekad* nektes blockerad* blokeret blokkert sparrad"
        " sperret forbjud* forbudt elutasit* tiltott tiltva letiltva letiltott respins* blocat* interzis* odmitnut*"
        " odmítn* zamitnut* blokovan* zakazan* zakázan* відхилен* відмов* заборонен* заблоков* ditolak diblokir"
        " dilarang bị_chặn từ_chối estetty hylätty kielletty"
    ),
    "ALLOW": (
        "zutritt zugang zugriff acceso accesso acesso recoit recoivent recibe recibimos handled processed"
        " berechtigung nimmt get gets autorizado permission* send submit use enter allow* permit permits"
        " permitted authori* accept* let lets take takes taken taking welcome trust* want wants wanted willing"
        " like likes approved registered whitelist* talk talks speak speaks entertain serve serves deal"
        " interested admitted entitled cleared receive receives desire* eligible erlaubt zugelassen zulässig"
        " berechtigt gestattet angenommen nehmen akzeptier* darf dürfen gewünscht willkommen befugt autoris*"
        " permis permise* admis* voulons permitid* autoriz* acept* admit* aceit* permess* consentit* accett*"
        " autorizz* dozwol* przyjmuj* akcept* uprawnion* toegestaan geaccepteer* accepteren welkom bevoegd mag"
        " разреш* принима* принят* нрав* допус* 允许 接受 允許 接收 許可 허용"
        " freigegeben freigeschaltet izin tillaten tillåtet tilladt tillatt engedelyez* permis povolen* дозвол*"
        " diizinkan"
        " write_user write_us write_here write_recipient"
    ),
    "EXIST": (
        "books exist* found find known know valid here recogni* hosted live lives living works working heard"
        " deliverable registered listed existiert existieren bekannt gefunden gültig gibt vorhanden existe*"
        " connu* trouve* valide* encontr* valid* conocid* esist* trovat* istniej* znalezion* bestaat gevonden"
        " bekend geldig сущест* найден* известн* зарегистр* живет значит* числ* 存在 找到 有效"
    ),
    "AVAILABLE": (
        "available reachable respond* responding running answer answering answers ready accessible working complete"
        " completed started opened established begun initiated perform process processed connect contact reach open"
        " write read allocate start verfügbar erreichbar möglich disponible* joignable disponivel disponibile"
        " raggiungibile dostepn* beschikbaar bereikbaar доступ* работает"
        " reached contacted consulted queried"
    ),
    "UNKNOWN": (
        "nieprawidlow* void introuvable incorrect* falsch* errone* incorrett* onjuist* misspel* mistaken 不正"
        " 使われて 使用されて unknown nonexistent nonexisting non_existent invalid nobody no_one noone wrong bad"
        " bogus undeliverable unroutable unrouteable mistyped misspelled typo illegal unresolvable nowhere"
        " unvalidated unverified unbekannt* ungültig* niemand inexistent inconnu* invalide* inexistant*"
        " desconocid* inexistent* invalid* ningun* nadie desconhecid* ninguem nenhum* sconosciut* inesistent*"
        " nessun* nieznan* nie_ma nikt niewlasciw* bledny bledn* onbekend* ongeldig* неизвест* несущест* никого"
        " неверн* 无此 無此 不存在 未知 查无 查無 没有此 没有该 无法找到 找不到 错误的 无效 不明 無効"
        " 存在しません 存在しない 存在して ありません 見つかり いません 없습니다 존재하지 없는 찾을"
        " bilinmeyen gecersiz geçersiz bulunamad* okänd okand ukendt ukjent ogiltig* ugyldig* ismeretlen ervenytelen"
        " érvénytelen necunoscut* invalid* neznam* neznám* neplatn* neexistuj* невідом* недійсн* неісну*"
        " tidak_dikenal tidak_ditemukan không_tồn_tại tuntematon virheellinen"
    ),
    "NOBODY": "nobody no_one noone none niemand nessuno nadie ninguem nikt никого никто",
    "GONE": (
        "n_plus plus_de plus_compte left gone moved no_longer not_longer any_longer any_more anymore retired"
        " deceased departed abandoned deleted removed quit resigned ceased nicht_mehr ausgeschieden verlassen"
        " gelöscht verstorben verzogen parti partie quitte supprime* n_est_plus est_plus n_existe_plus ya_no"
        " eliminad* se_fue baja removid* nao_mais mais_nao saiu cancellat* non_piu rimoss* juz_nie usuniet*"
        " niet_meer verwijderd vertrokken больше_не удален* уволен* уже_не 注销 離職 离职 删除 已删除 已不 退会"
        " 退職 削除 解約 탈퇴 삭제"
        " works_elsewhere went_elsewhere"
    ),
    "DISABLED": (
        "ran_out run_out handed_back ruht ruhend* arrears nieużywan* не_используется disdett* not_confirmed"
        " not_activated not_active not_paid nicht_bezahlt non_paye impag* shut disused unused idle noactivity"
        " no_activity non_attiva non_attivo no_activa no_activo nao_ativa nao_ativo nicht_aktiv nie_aktywne"
        " decommissioned dismantled hangup out_of_service shut_down taken_down pending awaiting ended contract"
        " wygas* revoked barred withdrawn off asleep plus_actif plus_active stopped disabled inactive suspended"
        " suspension deactivated locked frozen dormant expired lapsed switched_off turned_off shut_off closed"
        " terminated archived parked on_hold unpaid discontinued cancelled canceled retired deactivate dead"
        " abandoned quarantine inactivity sleeping deaktiviert gesperrt stillgelegt inaktiv abgeschaltet abgelaufen"
        " geschlossen gekündigt desactiv* suspend* suspens* ferme fermee inactif cloture* resilie* inactiv*"
        " deshabilitad* inhabilitad* caducad* cerrad* bloquead* desativ* inativ* cancelad* encerrad* disattiv*"
        " disabilit* sospes* scadut* chius* wylaczon* nieaktywn* zawieszon* zamkniet* dezaktyw* zablokowan*"
        " uitgeschakeld gedeactiveerd opgeheven geblokkeerd afgesloten отключ* неактив* приостанов* закрыт*"
        " заблокир* 停用 禁用 冻结 凍結 锁定 鎖定 停止 过期 過期 欠费 暂停 休眠 关闭 已关闭 利用停止 無効 解約 休止"
        " 정지 중지 비활성 휴면"
        " devre_disi devre_dişi askiya askiya avstängd* avstangt deaktiver* inaktiver* deaktivált felfuggeszt*"
        " felfüggeszt* dezactivat* zrusen* zrušen* zablokovan* deaktivovan* деактивован* вимкнен* призупинен*"
        " dinonaktifkan"
        " out_of_use gave_up given_up"
    ),
    "FULL": (
        "enough_room room enough_space allotment over_his brak_miejsca hold_more hold_any take_more no_more_mail"
        " full overfull fills overflow* over_quota overquota quota stuffed bursting no_room no_space out_of_space"
        " storage no_room_left used_up space_left out_of_room crammed over_limit all_of_his_space voll überfüllt"
        " überlauf* erschopft aufgebraucht überschritten speicherplatz pleine plein deborde* sature* llen*"
        " completo completa cuota cheia cheio lotad* cota esgotad* pien* piena esaurit* pelna pelny przepelnion*"
        " vol переполн* заполнен* квот* 已满 爆满 满了 已滿 容量 空间不足 空間不足 配额 超额 いっぱい 一杯 満杯"
        " 超過 가득 초과 용량"
        " randvoll proppenvoll vollgelaufen übervoll verbraucht ausgeschöpft espaco espaço espacio spazio miejsca"
        " ruimte place_libre espace места dolu doldu kotasi kota_aşildi kota fullt fuld megtelt betelt plin plina"
        " plna plná plný zaplnen* переповнен* заповнен* penuh đầy täynnä brimful brimming chock_full stuffed_full"
        " quillt platzt läuft_über überläuft erschöpft agotad* brims"
        " clear_out clean_out empty_box empty_mailbox"
    ),
    "TEMP": (
        "wiederholen wiederholung temporar* temporal later again retry retries moment minute minutes seconds soon"
        " shortly momentarily wait patience while tomorrow hour hours once_more resubmit redeliver back defer*"
        " delay* reattempt vorübergehend temporär* später erneut derzeit momentan zurzeit minuten nochmals"
        " nochmal temporaire* ulterieur* plus_tard reess* momentan* nouveau secondes temporalmente mas_tarde"
        " nuevamente intent* vuelva momento minutos provisional* temporari* mais_tarde tente novamente temporane*"
        " piu_tardi riprov* minuti ritent* momentaneamente tymczasow* pozniej ponown* chwil* chwilow* sprobuj"
        " prob* minut* tijdelijk opnieuw probeer straks времен* позже повтор* попыт* минут* поздне* 暂时 暫時"
        " 稍后 稍後 稍候 重试 重試 临时 一時的 後で 後ほど しばらく 再度 再試行 のちほど 一時 나중 일시 다시"
        " sonra tekrar gecici geçici daha_sonra lütfen_tekrar senare igen försök senere prøv midlertidig* tillfällig*"
        " kesobb később ujra újra atmenetileg ideiglenes* mai_tarziu mai_târziu temporar* incercati pozdeji později"
        " docasn* dočasn* znovu пізніше тимчасов* спробуйте nanti lagi sementara sau tạm_thời myöhemmin"
    ),
    "OUTAGE": (
        "lost gone_away sleeps asleep crashing woken bad_config error errors failure failed fails fail down"
        " unavailable unreachable timeout timed_out time_out crash* died dead broken busy overload* load"
        " maintenance unable outage malfunction starting reloading restart* trouble problem problems exhausted"
        " shutdown shutting unexpected* exception hiccup stopped offline corrupt* locked insufficient upgrade"
        " upgrading repair congest* hang stuck out_of_order ausfall fehler störung* wartung* überlastet"
        " nicht_erreichbar gestört ausgelastet erreur* panne indisponible* surcharge* incident probleme errores"
        " fallo* fallo averia mantenimiento sobrecarg* ocupad* indisponib* problema erro falha manutencao"
        " indisponivel sobrecarreg* errore guasto manutenzione sovraccaric* occupat* indisponibile blad bledu"
        " blad* awari* przeciaz* niedostepn* konserwac* zajet* storing fout onderhoud overbelast onbeschikbaar"
        " bezet ошибк* сбой сбоя недоступ* перегру* обслуживан* занят* проблем* 错误 錯誤 故障 繁忙 忙 维护 維護"
        " 不可用 异常 失败 失敗 超时 混雑 障害 メンテナンス エラー 過負荷 ビジー 混み合 점검 오류 장애 과부하"
        " hata hatasi arizasi ariza bakim bakim kullanilamiyor fel felet driftstopp feil fejl vedlikehold karbantart*"
        " hiba hibás eroare intretinere chyba udrzb* údržb* помилк* несправн* kesalahan gangguan lỗi virhe huolto"
    ),
    "DEMAND": (
        "must need needs needed require* required mandatory necessary demand* should first enforce* compulsory"
        " insist insists prove muss mussen erforderlich nötig notwendig verpflichtend doit requis* obligatoire*"
        " necessaire debe requier* obligatori* necesari* deve obrigatori* exig* necessari* richiest* wymag* musi"
        " vereist verplicht nodig moet требу* необходим* должн* 必须 需要 要求 必須 必要 필요 해야"
        " erst zuerst zunächst abord primero prima najpierw eerst сначала сперва först först_logga gerekli zorunlu"
        " krav kræves kreves szukseges szükséges kötelező necesar vyzadovan* vyžadován* потрібн* язков*"
        " diperlukan harus yêu_cầu"
    ),
    "LAX": "anybody anyone everyone everybody world anywhere secure secured fix fixed close insecure abusable",
}
